import type { Item } from "@gavel/client";
import { phaseAt } from "../auction/phase";
import { type Position, positionIn } from "../auction/position";
import { useServerTime } from "../live/use-clock";

const TAGS: Readonly<Record<Position, readonly [text: string, style: string]>> = {
  leading: ["You lead", "tag--lead"],
  outbid: ["Outbid", "tag--alarm"],
  won: ["You won", "tag--lead"],
  lost: ["Lost", ""],
};

/** The user's position in an auction, as a tag. */
export function PositionTag({ item, userId }: { item: Item; userId: string }) {
  const position = useServerTime((nowMs) => positionIn(item, userId, phaseAt(item, nowMs)));
  const [text, style] = TAGS[position];
  return <span className={`tag ${style}`}>{text}</span>;
}
