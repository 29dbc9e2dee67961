import type { Item } from "@gavel/client";
import { Standing } from "@gavel/client";
import { isLedBy, phaseAt } from "../bidding/phase";
import { useByClock } from "../clock/use-clock";

/** How someone who has bid on an item stands, from the item's newest state. */
export function standingIn(item: Item, userId: string, phase: ReturnType<typeof phaseAt>): Standing {
  const leads = isLedBy(item, userId);
  if (phase === "sold" || phase === "unsold" || phase === "cancelled") {
    return item.outcome?.sold && item.outcome.winnerId === userId ? Standing.WON : Standing.LOST;
  }
  return leads ? Standing.LEADING : Standing.OUTBID;
}

const TAGS = {
  [Standing.UNSPECIFIED]: null,
  [Standing.LEADING]: ["You lead", "tag--lead"],
  [Standing.OUTBID]: ["Outbid", "tag--alarm"],
  [Standing.WON]: ["You won", "tag--lead"],
  [Standing.LOST]: ["Lost", ""],
} as const;

/** One's own standing as a tag. */
export function StandingTag({ item, userId }: { item: Item; userId: string }) {
  const standing = useByClock((nowMs) => standingIn(item, userId, phaseAt(item, nowMs)));
  const tag = TAGS[standing];
  return tag && <span className={`tag ${tag[1]}`}>{tag[0]}</span>;
}
