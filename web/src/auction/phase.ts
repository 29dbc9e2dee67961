import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Item, ItemStatus } from "@gavel/client";

/**
 * The phase of an auction. `closing` lasts about a second: the end has passed, and the outcome is not recorded yet.
 */
export type Phase = "scheduled" | "open" | "closing" | "sold" | "unsold" | "cancelled";

/** The phase at a time of the server's clock; if that is unknown (null), by the item's last known status. */
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

/** Whether this user has the highest bid; never before the first bid, and never for a user who is not signed in. */
export function isLedBy(item: Item, userId: string): boolean {
  return userId !== "" && item.highestBidderId === userId;
}

/** Whether buy-now is open. Opening makes no event, so before the first bid it counts as open. */
export function canBuyNow(item: Item, phase: Phase): boolean {
  return phase === "open" && item.buyNowPrice > 0n && (item.bidCount === 0n || item.buyNowAvailable);
}

/** The price to show: the highest bid, or the start price before the first bid. */
export function shownPrice(item: Item): bigint {
  return item.bidCount > 0n ? item.currentHighestBid : item.startPrice;
}
