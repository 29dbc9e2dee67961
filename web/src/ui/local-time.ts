const DAY_AND_TIME: Intl.DateTimeFormatOptions = {
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
};

/** A moment in the reader's own time zone: "Tue 24 Nov, 14:05". */
export function localTime(ms: number): string {
  return new Intl.DateTimeFormat("en-GB", DAY_AND_TIME).format(ms);
}

/** The time of day to the second: "14:05:09". */
export function localClock(ms: number): string {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(ms);
}
