import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { useIdentity, useLive } from "../live/live-context";
import { parseIdentity } from "../session/identity";
import { pseudonym } from "../session/pseudonym";
import { TrustedSession } from "../session/trusted-session";
import { usePageTitle } from "../shell/page-title";
import "./identity-page.css";

/** The form that takes an identity over from another device: from the link that leads here, or typed. */
export function IdentityPage() {
  usePageTitle("Identity");
  const { session } = useLive();
  return (
    <div className="page">
      <h1>Identity from another device</h1>
      {session instanceof TrustedSession ? (
        <TakeOver session={session} />
      ) : (
        <p className="message">Here you bid as the person who is signed in. Sign in on the other device as well.</p>
      )}
    </div>
  );
}

function TakeOver({ session }: { session: TrustedSession }) {
  const present = useIdentity();
  const [, go] = useLocation();
  const [typed, setTyped] = useState(() => (parseIdentity(location.href) ? location.href : ""));
  const [problem, setProblem] = useState<string | null>(null);
  const found = parseIdentity(typed);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (found) {
      session.become(found);
      go("/my-bids");
    } else {
      setProblem("This is neither the link nor the bidder id of an identity.");
    }
  };
  return (
    <form className="sheet take-over" noValidate onSubmit={submit}>
      <div className="field">
        <label htmlFor="identity-code">Link or bidder id</label>
        <input
          id="identity-code"
          className="input"
          value={typed}
          aria-invalid={problem ? true : undefined}
          aria-describedby={problem ? "identity-code-problem" : undefined}
          onChange={(event) => {
            setTyped(event.target.value);
            setProblem(null);
          }}
        />
        {problem && (
          <p id="identity-code-problem" className="field__problem" role="alert">
            {problem}
          </p>
        )}
      </div>
      {found && found.userId !== present.userId && (
        <div className="message">
          <p>
            This browser will bid as <strong>{found.name}</strong> ({pseudonym(found.userId)}) instead of{" "}
            <strong>{present.name}</strong>. Without its own link you can't come back to {present.name}'s bids.
          </p>
        </div>
      )}
      <button type="submit" className="button button--primary">
        {found ? `Bid as ${found.name} here` : "Use this identity"}
      </button>
    </form>
  );
}
