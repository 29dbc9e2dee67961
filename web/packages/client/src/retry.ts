import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";

const KEY_HEADER = "Idempotency-Key";
/** A header does not deliver other characters as they are: blanks are trimmed, and what is not ASCII is changed or refused. */
const FITS_HEADER = /^[!-~]+$/;
const BACKOFF_FIRST_MS = 100;
const RETRY_AFTER_MS_MAX = 5_000;

/**
 * Sends a call again, up to `retries` times, when its connection was cut or the service was unavailable, where that can do
 * no harm: reads, and calls with an idempotency key. The key goes into a header too if it fits there, by which a proxy may
 * do the same.
 */
export function retryHarmless(retries: number): Interceptor {
  return (next) => async (request) => {
    if (request.stream) {
      return next(request);
    }
    const { message, method, header, signal } = request;
    const key = "idempotencyKey" in message && typeof message.idempotencyKey === "string" ? message.idempotencyKey : "";
    if (FITS_HEADER.test(key)) {
      header.set(KEY_HEADER, key);
    }
    const isRead = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
    const isHarmless = isRead || key !== "" || header.has(KEY_HEADER);
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await next(request);
      } catch (error) {
        if (!isHarmless || attempt >= retries || signal.aborted || !isUnanswered(error)) {
          throw error;
        }
        await pause(backoffMs(attempt, error), signal);
      }
    }
  };
}

/** Whether the call may have reached no service, or its answer was lost. `fetch` throws a TypeError for a cut connection. */
function isUnanswered(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof ConnectError && error.code === Code.Unavailable);
}

/** Doubles with each attempt, with jitter, and is never less than the server asked for. */
function backoffMs(attempt: number, error: unknown): number {
  const asked = error instanceof ConnectError ? Number(error.metadata.get("Retry-After") ?? 0) : 0;
  const own = BACKOFF_FIRST_MS * 2 ** attempt * (0.5 + Math.random() / 2);
  return Math.max(own, Math.min((asked || 0) * 1_000, RETRY_AFTER_MS_MAX));
}

/** Resolves after so many milliseconds, or at once when the call is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
