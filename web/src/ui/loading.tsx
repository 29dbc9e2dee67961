import { Code, ConnectError } from "@connectrpc/connect";
import "./loading.css";

/** A loading message, shown after a short delay. */
export function Loading({ what }: { what: string }) {
  return (
    <p className="loading" role="status">
      <span className="loading__spot" aria-hidden="true" />
      Loading {what}…
    </p>
  );
}

const WORDS: Readonly<Partial<Record<Code, readonly [title: string, text: string, isPermanent: boolean]>>> = {
  [Code.Unimplemented]: ["Not available here", "This installation does not support it yet.", true],
  [Code.Unauthenticated]: [
    "Sign in to see this",
    "This installation shows its auctions to signed-in users only.",
    true,
  ],
};
const OTHERWISE = ["This could not be loaded", "The server did not respond as expected.", false] as const;

/** An error message, with a button to try again if that may help. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const { code } = ConnectError.from(error);
  const [title, text, isPermanent] = WORDS[code] ?? OTHERWISE;
  return (
    <div className="empty" role="alert">
      <strong>{title}</strong>
      <p>{text}</p>
      {retry && !isPermanent && (
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
