/** The path at which the API serves the status of the system. */
export const STATUS_PATH = "/status.json";

/** The status of the whole system at one moment. */
export type SystemStatus = {
  readonly bidsPerSecond: number;
  readonly outboxEvents: number;
  readonly outboxOldestSeconds: number;
  readonly watchers: number;
  readonly itemsActive: number;
  readonly at: string;
};

/** This installation does not publish its status. */
export class NotServed extends Error {}

/** Read the status. Throws NotServed if the installation does not publish it. */
export async function readStatus(apiUrl: string, signal: AbortSignal): Promise<SystemStatus> {
  const response = await fetch(`${apiUrl}${STATUS_PATH}`, { signal, cache: "no-store" });
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
  const number = (name: string): number => (typeof fields[name] === "number" ? fields[name] : 0);
  return {
    bidsPerSecond: number("bids_per_second"),
    outboxEvents: number("outbox_events"),
    outboxOldestSeconds: number("outbox_oldest_seconds"),
    watchers: number("watchers"),
    itemsActive: number("items_active"),
    at: typeof fields.at === "string" ? fields.at : "",
  };
}
