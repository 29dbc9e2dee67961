/** Texts of a countdown, from the whole seconds that are left. */

export const URGENT_SECONDS_MAX = 60;
export const GOING_ONCE_SECONDS_MAX = 30;
export const GOING_TWICE_SECONDS_MAX = 10;

/** Whole seconds until a time, rounded up so that "1 s" is shown until the very end; 0 afterwards. */
export function secondsLeft(untilMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((untilMs - nowMs) / 1000));
}

/** "2 d 4 h", "3 h 05 min", "12:09", "0:07": coarse at first, to the second in the last hour. */
export function countdownText(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) {
    return `${days} d ${hours % 24} h`;
  }
  if (hours > 0) {
    return `${hours} h ${two(minutes % 60)} min`;
  }
  return `${minutes}:${two(seconds % 60)}`;
}

/** The same for screen readers: "2 days", "3 hours", "12 minutes", "7 seconds". */
export function countdownSpoken(seconds: number): string {
  const [value, unit] =
    seconds >= 172_800
      ? [Math.floor(seconds / 86_400), "day"]
      : seconds >= 7_200
        ? [Math.floor(seconds / 3_600), "hour"]
        : seconds >= 120
          ? [Math.floor(seconds / 60), "minute"]
          : [seconds, "second"];
  return `${value} ${unit}${value === 1 ? "" : "s"}`;
}

/** The auctioneer's call for the last seconds, if any. */
export function call(seconds: number): "Going once" | "Going twice" | null {
  if (seconds <= 0 || seconds > GOING_ONCE_SECONDS_MAX) {
    return null;
  }
  return seconds > GOING_TWICE_SECONDS_MAX ? "Going once" : "Going twice";
}
