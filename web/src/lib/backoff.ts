export const RECONNECT_MS_FIRST = 500;
export const RECONNECT_MS_MAX = 10_000;

/**
 * The pause before attempt 0, 1, 2 ...: exponential back-off with full jitter, so that clients do not all reconnect to a
 * restarted server at one moment.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(RECONNECT_MS_MAX, RECONNECT_MS_FIRST * 2 ** attempt);
}
