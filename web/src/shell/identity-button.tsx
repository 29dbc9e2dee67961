import { useState } from "react";
import { Link } from "wouter";
import { Paddle } from "../items/bidder";
import { useIdentity, useLive } from "../live/live-context";
import { NAME_CHARACTERS_MAX } from "../session/identity";
import { pseudonym } from "../session/pseudonym";
import { PickedSession, TokenSession } from "../session/session";
import { Dialog } from "../ui/dialog";

/** Who one bids as, and the way to change it. */
export function IdentityButton() {
  const { session } = useLive();
  if (session instanceof TokenSession) {
    return <SignInButton session={session} />;
  }
  return session instanceof PickedSession ? <PickedIdentity session={session} /> : null;
}

function SignInButton({ session }: { session: TokenSession }) {
  const { userId, name } = useIdentity();
  return userId ? (
    <button type="button" className="button button--bare button--small identity" onClick={() => session.signOut()}>
      <Paddle userId={userId} />
      <span className="identity__name">{name}</span>
      <span className="unseen">: sign out</span>
    </button>
  ) : (
    <button type="button" className="button button--primary button--small" onClick={session.signIn}>
      Sign in
    </button>
  );
}

function PickedIdentity({ session }: { session: PickedSession }) {
  const [isOpen, setIsOpen] = useState(false);
  const { userId, name } = useIdentity();
  return (
    <>
      <button type="button" className="button button--bare button--small identity" onClick={() => setIsOpen(true)}>
        <Paddle userId={userId} />
        <span className="unseen">You bid as </span>
        <span className="identity__name">{name}</span>
      </button>
      {isOpen && <IdentityDialog session={session} close={() => setIsOpen(false)} />}
    </>
  );
}

function IdentityDialog({ session, close }: { session: PickedSession; close: () => void }) {
  const identity = useIdentity();
  const [name, setName] = useState(identity.name);
  return (
    <Dialog title="Who you bid as" onClose={close}>
      <form
        className="dialog__body"
        onSubmit={(event) => {
          event.preventDefault();
          session.rename(name);
          close();
        }}
      >
        <div className="field">
          <label htmlFor="identity-name">Your name</label>
          <input
            id="identity-name"
            className="input"
            value={name}
            maxLength={NAME_CHARACTERS_MAX}
            autoComplete="nickname"
            onChange={(event) => setName(event.target.value)}
          />
          <p className="field__hint">
            Only this browser knows it. Everyone else sees you as <strong>{pseudonym(identity.userId)}</strong>.
          </p>
        </div>
        <p className="small muted">
          Your bidder id is kept in this browser: <code>{identity.userId}</code>.{" "}
          <Link href={`/bidders/${identity.userId}`} onClick={close}>
            See your figures
          </Link>
        </p>
        <div className="dialog__actions">
          <button
            type="button"
            className="button button--bare button--small"
            onClick={() => {
              session.startOver();
              close();
            }}
          >
            Start as someone new
          </button>
          <button type="submit" className="button button--primary">
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
