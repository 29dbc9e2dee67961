import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { GavelClient, Item } from "@gavel/client";

const BID_MS = 50;

/** A storm of 20 bids a second. */
export type Storm = { readonly bids: () => number; stop(): Promise<void> };

/** Let two rivals outbid each other on an item, 20 times a second, each with the least bid. */
export function beginStorm(client: GavelClient, item: Item): Storm {
  const rivals = [randomUUID(), randomUUID()];
  const stopping = new AbortController();
  let bids = 0;
  const bidding = (async () => {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      const due = pause(BID_MS);
      const userId = rivals[turn % 2] as string;
      const { item: now } = await client.bids.getItem({ id: item.id });
      const placed = client.bids.placeBid({ itemId: item.id, userId, amount: now?.minimumNextBid ?? 0n });
      // Refused if another bid came first, or if this rival leads.
      await placed.then(() => (bids += 1)).catch(() => undefined);
      await due;
    }
  })();
  // The server may end first, where a test fails.
  bidding.catch(() => undefined);
  return {
    bids: () => bids,
    async stop() {
      stopping.abort();
      await bidding;
    },
  };
}
