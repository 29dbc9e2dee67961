// Created once: creating a formatter costs as much as a hundred uses, and a history has thousands of times.
const DAY_AND_TIME = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** A time in the user's time zone: "Tue 24 Nov, 14:05". */
export function localTime(ms: number): string {
  return DAY_AND_TIME.format(ms);
}

/** The time of day to the second: "14:05:09". */
export function localClock(ms: number): string {
  return CLOCK.format(ms);
}
