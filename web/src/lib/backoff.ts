export const RECONNECT_MS_FIRST = 500;
export const RECONNECT_MS_MAX = 10_000;

/**
 * How long to wait before attempt 0, 1, 2 ...: anything from nothing to a bound that doubles, so that the watchers of
 * a server that was restarted do not all come back at one moment.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(RECONNECT_MS_MAX, RECONNECT_MS_FIRST * 2 ** attempt);
}
