import { useSyncExternalStore } from "react";
import { useLive } from "../live/live-context";
import { type SignInProblem, TokenSession } from "../session/session";
import "./connection-banner.css";

const TEXTS: Readonly<Record<SignInProblem, string>> = {
  expired: "Your sign-in has expired. Sign in again.",
  unreachable: "The sign-in page can't be reached. Try again later.",
  failed: "The sign-in failed. Try again.",
};

/** Why the user is signed out, if they did not sign out themselves. */
export function SignInBanner() {
  const { session } = useLive();
  return session instanceof TokenSession ? <Problem session={session} /> : null;
}

function Problem({ session }: { session: TokenSession }) {
  const problem = useSyncExternalStore(session.subscribe, session.problem);
  return (
    <div className="connection" role="status">
      {problem && <p>{TEXTS[problem]}</p>}
    </div>
  );
}
