import type { Item } from "@gavel/client";
import { isLedBy, type Phase } from "./phase";

/** A bidder's position in an auction: the first two while it runs, the others are its outcome. */
export type Position = "leading" | "outbid" | "won" | "lost";

/** The position of a user who has bid on this item. */
export function positionIn(item: Item, userId: string, phase: Phase): Position {
  if (phase === "sold" || phase === "unsold" || phase === "cancelled") {
    return item.outcome?.sold && item.outcome.winnerId === userId ? "won" : "lost";
  }
  return isLedBy(item, userId) ? "leading" : "outbid";
}
