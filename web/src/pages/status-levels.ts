/** How a value of the status is judged: by two thresholds of its own. */
export type Level = "good" | "warn" | "alarm";

/** A value at or below `good` is good, one above `warn` an alarm. */
type Thresholds = { readonly good: number; readonly warn: number };

// The alarms are the alerts of severity "page" in deploy/observability/rules.yml.
export const THRESHOLDS = {
  bidP99Seconds: { good: 0.1, warn: 0.5 },
  failedCallsShare: { good: 0, warn: 0.01 },
  outboxOldestSeconds: { good: 2, warn: 30 },
  closerOverdueSeconds: { good: 1, warn: 5 },
  deadLetters: { good: 0, warn: Number.POSITIVE_INFINITY },
} as const satisfies Record<string, Thresholds>;

/** The level of a value; undefined for one that is not known. */
export function levelOf(value: number | null, { good, warn }: Thresholds): Level | undefined {
  if (value === null) {
    return undefined;
  }
  if (value <= good) {
    return "good";
  }
  return value <= warn ? "warn" : "alarm";
}

/** The worst of some levels. */
export function worstOf(levels: readonly (Level | undefined)[]): Level {
  return (["alarm", "warn"] as const).find((level) => levels.includes(level)) ?? "good";
}
