import { useRef, useState } from "react";
import { Link } from "wouter";
import { useBidderName, useIdentity } from "../live/live-context";
import { IDENTITY_PATH, identityLink, NAME_CHARACTERS_MAX } from "../session/identity";
import type { TrustedSession } from "../session/trusted-session";
import { Dialog } from "../ui/dialog";

type IdentityDialogProps = { session: TrustedSession; close: () => void };

/** The user's name, the way to another device, and the way to a new identity. */
export function IdentityDialog({ session, close }: IdentityDialogProps) {
  const identity = useIdentity();
  const publicName = useBidderName(identity.userId);
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
            Only this browser knows this name. Other bidders see you as <strong>{publicName}</strong>.
          </p>
        </div>
        <OtherDevice close={close} />
        <p className="small muted">
          <Link href={`/bidders/${identity.userId}`} onClick={close}>
            See your statistics
          </Link>
        </p>
        <div className="dialog__actions">
          <StartOver session={session} close={close} />
          <button type="submit" className="button button--primary">
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** A link that takes the identity to another device. */
function OtherDevice({ close }: { close: () => void }) {
  const identity = useIdentity();
  const field = useRef<HTMLInputElement>(null);
  const [isCopied, setIsCopied] = useState(false);
  const copy = async (): Promise<void> => {
    field.current?.select();
    // There is no clipboard on pages that came over plain HTTP. The link is selected there.
    await (navigator as { clipboard?: Clipboard }).clipboard?.writeText(identityLink(identity)).then(
      () => setIsCopied(true),
      () => undefined,
    );
  };
  return (
    <div className="field">
      <label htmlFor="identity-link">Link for another device</label>
      <div className="identity__link">
        <input ref={field} id="identity-link" className="input" value={identityLink(identity)} readOnly />
        <button type="button" className="button button--small" onClick={() => void copy()}>
          {isCopied ? "Copied" : "Copy"}
        </button>
      </div>
      <p className="field__hint">
        Open it there to bid as the same person. Keep it to yourself.{" "}
        <Link href={IDENTITY_PATH} onClick={close}>
          Use an identity from another device here
        </Link>
      </p>
    </div>
  );
}

/** Replace the identity, after a question: the bids of the present one are out of reach afterwards. */
function StartOver({ session, close }: IdentityDialogProps) {
  const { name } = useIdentity();
  const [isAsking, setIsAsking] = useState(false);
  if (!isAsking) {
    return (
      <button type="button" className="button button--bare button--small" onClick={() => setIsAsking(true)}>
        Start as someone new
      </button>
    );
  }
  const startOver = (): void => {
    session.startOver();
    close();
  };
  return (
    <div className="identity__question message message--alarm" role="alert">
      <p>{`This browser would no longer bid as ${name}. Without the link above, you could not come back to its bids.`}</p>
      <button type="button" className="button button--small" onClick={startOver}>
        Start as someone new
      </button>
      <button type="button" className="button button--bare button--small" onClick={() => setIsAsking(false)}>
        {`Stay ${name}`}
      </button>
    </div>
  );
}
