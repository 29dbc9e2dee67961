import { useState } from "react";
import { Paddle } from "../items/bidder";
import { useIdentity, useLive } from "../live/live-context";
import { TokenSession } from "../session/token-session";
import { TrustedSession } from "../session/trusted-session";
import { IdentityDialog } from "./identity-dialog";

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
