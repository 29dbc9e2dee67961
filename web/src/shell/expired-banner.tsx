import { useSyncExternalStore } from "react";
import { useLive } from "../live/live-context";
import { TokenSession } from "../session/session";
import "./connection-banner.css";

/** Says why nobody is signed in any more, where nobody has signed out. */
export function ExpiredBanner() {
  const { session } = useLive();
  return session instanceof TokenSession ? <Expired session={session} /> : null;
}

function Expired({ session }: { session: TokenSession }) {
  const hasExpired = useSyncExternalStore(session.subscribe, session.hasExpired);
  return (
    <div className="connection" role="status">
      {hasExpired && <p>Your sign-in has expired: sign in again.</p>}
    </div>
  );
}
