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

/** Something could not be had, in words, with a way to try again. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const { code } = ConnectError.from(error);
  const unimplemented = code === Code.Unimplemented;
  return (
    <div className="empty" role="alert">
      <strong>{unimplemented ? "Not available here" : "That could not be loaded"}</strong>
      <p>{unimplemented ? "This Gavel does not offer it yet." : "The server did not answer as it should."}</p>
      {retry && !unimplemented && (
        <button type="button" className="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
