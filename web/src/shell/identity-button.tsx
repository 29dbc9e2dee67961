import { useState } from "react";
import { Link } from "wouter";
import { Paddle } from "../items/bidder";
import { useIdentity, useLive } from "../live/live-context";
import { NAME_CHARACTERS_MAX } from "../session/identity";
import { pseudonym } from "../session/pseudonym";
import { TokenSession } from "../session/token-session";
import { TrustedSession } from "../session/trusted-session";
import { Dialog } from "../ui/dialog";

/** The user's identity, and the way to change it. While they are signed out, the banner has the button to sign in. */
export function IdentityButton() {
  const { session } = useLive();
  if (session instanceof TokenSession) {
    return <SignOutButton session={session} />;
  }
  return session instanceof TrustedSession ? <TrustedIdentity session={session} /> : null;
}

function SignOutButton({ session }: { session: TokenSession }) {
  const { userId, name } = useIdentity();
  return userId ? (
    <button type="button" className="button button--bare button--small identity" onClick={session.signOut}>
      <Paddle userId={userId} />
      <span className="identity__name">{name}</span>
      <span className="visually-hidden">: sign out</span>
    </button>
  ) : null;
}

function TrustedIdentity({ session }: { session: TrustedSession }) {
  const [isOpen, setIsOpen] = useState(false);
  const { userId, name } = useIdentity();
  return (
    <>
      <button type="button" className="button button--bare button--small identity" onClick={() => setIsOpen(true)}>
        <Paddle userId={userId} />
        <span className="visually-hidden">You bid as </span>
        <span className="identity__name">{name}</span>
      </button>
      {isOpen && <IdentityDialog session={session} close={() => setIsOpen(false)} />}
    </>
  );
}

function IdentityDialog({ session, close }: { session: TrustedSession; close: () => void }) {
  const identity = useIdentity();
  const [name, setName] = useState(identity.name);
  return (
    <Dialog title="Your identity" onClose={close}>
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
            Only this browser knows this name. Other bidders see you as <strong>{pseudonym(identity.userId)}</strong>.
          </p>
        </div>
        <p className="small muted">
          Your bidder id, stored in this browser: <code>{identity.userId}</code>.{" "}
          <Link href={`/bidders/${identity.userId}`} onClick={close}>
            See your statistics
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
            Use a new identity
          </button>
          <button type="submit" className="button button--primary">
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
