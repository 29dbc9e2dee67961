import type { Item } from "@gavel/client";
import { isLedBy, type Phase, phaseAt } from "../bidding/phase";
import { useByClock } from "../clock/use-clock";

/** A bidder's position in an auction: the first two while it runs, the others are its outcome. */
export type Position = "leading" | "outbid" | "won" | "lost";

/** The position of someone who has bid on an item, from the item's newest state. */
export function positionIn(item: Item, userId: string, phase: Phase): Position {
  if (phase === "sold" || phase === "unsold" || phase === "cancelled") {
    return item.outcome?.sold && item.outcome.winnerId === userId ? "won" : "lost";
  }
  return isLedBy(item, userId) ? "leading" : "outbid";
}

const TAGS: Readonly<Record<Position, readonly [text: string, style: string]>> = {
  leading: ["You lead", "tag--lead"],
  outbid: ["Outbid", "tag--alarm"],
  won: ["You won", "tag--lead"],
  lost: ["Lost", ""],
};

/** One's own position as a tag. */
export function PositionTag({ item, userId }: { item: Item; userId: string }) {
  const position = useByClock((nowMs) => positionIn(item, userId, phaseAt(item, nowMs)));
  const [text, style] = TAGS[position];
  return <span className={`tag ${style}`}>{text}</span>;
}
