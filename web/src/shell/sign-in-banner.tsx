import { useSyncExternalStore } from "react";
import { useLive } from "../live/live-context";
import type { SignInProblem } from "../session/sign-in-fault";
import { type SignInState, TokenSession } from "../session/token-session";
import "./connection-banner.css";

/** Whether the user is signed out, why, and when their sign-in ends soon; with a button that signs them in. */
export function SignInBanner() {
  const { session } = useLive();
  return session instanceof TokenSession ? <Banner session={session} /> : null;
}

function Banner({ session }: { session: TokenSession }) {
  const state = useSyncExternalStore(session.subscribe, session.state);
  const text = textOf(state);
  return (
    <div className="connection sign-in" role="status" data-state={state.problem ? "problem" : undefined}>
      {text && (
        <p>
          <span>{text}</span>
          <button type="button" className="button button--small" onClick={session.signIn}>
            {state.isSignedIn ? "Stay signed in" : "Sign in"}
          </button>
        </p>
      )}
    </div>
  );
}

function textOf({ isSignedIn, endsAtMs, problem }: SignInState): string | null {
  if (problem) {
    return textOfProblem(problem);
  }
  if (endsAtMs !== null) {
    const time = new Date(endsAtMs).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
    return `Your sign-in ends at ${time}. What you have typed is kept while you renew it.`;
  }
  return isSignedIn ? null : "You are not signed in. Sign in to bid and to sell.";
}

function textOfProblem({ kind, detail }: SignInProblem): string {
  switch (kind) {
    case "expired":
      return "Your sign-in has expired. What you have typed is kept. Sign in again.";
    case "insecure":
      return "Signing in needs HTTPS, and this page was opened over plain HTTP. Open its https address.";
    case "storage":
      return "This browser blocks the storage of this site, which signing in needs. Allow it cookies and site data.";
    case "blocked":
      return `This page's security policy blocks ${detail}, which signing in needs. Its operator has to allow that address.`;
    case "unreachable":
      return `The sign-in service ${detail} can't be reached. Try again later.`;
    case "refused":
      return `The sign-in service refused: ${detail}`;
    case "rejected":
      return "You have signed in, but this server does not accept the sign-in service's token. Its operator has to check JWT_AUDIENCE.";
    case "invalid":
      return `The sign-in failed: ${detail}. Try again.`;
    case "not-offered":
      return "Bidding needs a sign-in here, and this page has none. Its operator has to set PAGE_LOGIN_CLIENT_ID.";
  }
}
