// Made once: to make one takes longer than to use it a hundred times, and a history has thousands of times.
const DAY_AND_TIME = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** A moment in the reader's own time zone: "Tue 24 Nov, 14:05". */
export function localTime(ms: number): string {
  return DAY_AND_TIME.format(ms);
}

/** The time of day to the second: "14:05:09". */
export function localClock(ms: number): string {
  return CLOCK.format(ms);
}
