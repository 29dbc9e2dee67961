import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Item, ItemStatus } from "@gavel/client";

/**
 * Where an auction stands by the clock. `closing` lasts about a second: the end has come, and the outcome is being
 * recorded.
 */
export type Phase = "scheduled" | "open" | "closing" | "sold" | "unsold" | "cancelled";

/** The phase at a time of the server's clock; where that is not known, as the server last put it. */
export function phaseAt(item: Item, nowMs: number | null): Phase {
  if (item.status === ItemStatus.CANCELLED) {
    return "cancelled";
  }
  if (item.outcome) {
    return item.outcome.sold ? "sold" : "unsold";
  }
  if (nowMs === null) {
    return item.status === ItemStatus.SCHEDULED ? "scheduled" : item.status === ItemStatus.ENDED ? "closing" : "open";
  }
  if (nowMs < startMs(item)) {
    return "scheduled";
  }
  return nowMs < endMs(item) ? "open" : "closing";
}

export function startMs(item: Item): number {
  return item.startAt ? timestampMs(item.startAt) : 0;
}

export function endMs(item: Item): number {
  return item.endAt ? timestampMs(item.endAt) : 0;
}

/** Whether someone holds the highest bid. Nobody does before the first one, least of all who is not signed in. */
export function isLedBy(item: Item, userId: string): boolean {
  return userId !== "" && item.highestBidderId === userId;
}

/** Whether it can be bought at once. No event tells that an auction has opened: until someone bids it can. */
export function canBuyNow(item: Item, phase: Phase): boolean {
  return phase === "open" && item.buyNowPrice > 0n && (item.bidCount === 0n || item.buyNowAvailable);
}

/** The price that is shown: the highest bid, or before the first one the start price. */
export function shownPrice(item: Item): bigint {
  return item.bidCount > 0n ? item.currentHighestBid : item.startPrice;
}
