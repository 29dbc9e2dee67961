import { Code, ConnectError } from "@connectrpc/connect";
import "./waiting.css";

/** Something is on its way. Shown only when it takes long enough to be noticed. */
export function Loading({ what }: { what: string }) {
  return (
    <p className="waiting" role="status">
      <span className="waiting__spot" aria-hidden="true" />
      {what} on the way…
    </p>
  );
}

const WORDS: Readonly<Partial<Record<Code, readonly [title: string, text: string, isForGood: boolean]>>> = {
  [Code.Unimplemented]: ["Not available here", "This Gavel does not offer it yet.", true],
  [Code.Unauthenticated]: ["Sign in to see this", "This Gavel shows its auctions to those who are signed in.", true],
};
const OTHERWISE = ["That could not be loaded", "The server did not answer as it should.", false] as const;

/** Something could not be had, in words, with a way to try again. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const { code } = ConnectError.from(error);
  const [title, text, isForGood] = WORDS[code] ?? OTHERWISE;
  return (
    <div className="empty" role="alert">
      <strong>{title}</strong>
      <p>{text}</p>
      {retry && !isForGood && (
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
