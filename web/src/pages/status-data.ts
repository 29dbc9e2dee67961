/** The path at which the API serves the status of the system. */
export const STATUS_PATH = "/status.json";

/** Without an answer for this long, a request for the status counts as failed. */
const ANSWER_MS_MAX = 2_500;

/** The status of the whole system at one moment. What the server does not know is null. */
export type SystemStatus = {
  readonly at: string;
  readonly version: string;
  readonly bidsPerSecond: number;
  readonly outboxEvents: number;
  readonly outboxOldestSeconds: number;
  readonly closerOverdueSeconds: number | null;
  readonly deadLetters: number | null;
  readonly bidP99Seconds: number | null;
  readonly failedCallsShare: number | null;
  readonly watchers: number;
  readonly itemsActive: number;
};

/** This installation does not publish its status. */
export class NotServed extends Error {}

/** Read the status. Throws NotServed if the installation does not publish it. */
export async function readStatus(apiUrl: string, signal: AbortSignal): Promise<SystemStatus> {
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
  const response = await fetch(`${apiUrl}${STATUS_PATH}`, { signal: inTime, cache: "no-store" });
  const isJson = response.headers.get("Content-Type")?.includes("json") ?? false;
  if ([401, 403, 404].includes(response.status) || (response.ok && !isJson)) {
    throw new NotServed("the status is not published");
  }
  if (!response.ok) {
    throw new Error(`the status request failed: HTTP ${response.status}`);
  }
  return statusOf(await response.json());
}

function statusOf(body: unknown): SystemStatus {
  const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const known = (name: string): number | null => (typeof fields[name] === "number" ? fields[name] : null);
  const text = (name: string): string => (typeof fields[name] === "string" ? fields[name] : "");
  return {
    at: text("at"),
    version: text("version"),
    bidsPerSecond: known("bids_per_second") ?? 0,
    outboxEvents: known("outbox_events") ?? 0,
    outboxOldestSeconds: known("outbox_oldest_seconds") ?? 0,
    closerOverdueSeconds: known("closer_overdue_seconds"),
    deadLetters: known("dead_letters"),
    bidP99Seconds: known("bid_p99_seconds"),
    failedCallsShare: known("failed_calls_share"),
    watchers: known("watchers") ?? 0,
    itemsActive: known("items_active") ?? 0,
  };
}
