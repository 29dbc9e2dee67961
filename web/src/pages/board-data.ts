/** The figures of the whole system at one moment. */
export type Board = {
  readonly bidsPerSecond: number;
  readonly outboxEvents: number;
  readonly outboxOldestSeconds: number;
  readonly watchers: number;
  readonly itemsActive: number;
  readonly at: string;
};

/** This installation has no board for the public. */
export class NotServed extends Error {}

/** Read the board. Throws NotServed where there is none. */
export async function readBoard(apiUrl: string, signal: AbortSignal): Promise<Board> {
  const response = await fetch(`${apiUrl}/board.json`, { signal, cache: "no-store" });
  const isJson = response.headers.get("Content-Type")?.includes("json") ?? false;
  if ([401, 403, 404].includes(response.status) || (response.ok && !isJson)) {
    throw new NotServed("no board is served here");
  }
  if (!response.ok) {
    throw new Error(`the board answered ${response.status}`);
  }
  return boardOf(await response.json());
}

function boardOf(told: unknown): Board {
  const fields = typeof told === "object" && told !== null ? (told as Record<string, unknown>) : {};
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
