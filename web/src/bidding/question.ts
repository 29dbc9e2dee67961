import type { Item } from "@gavel/client";
import { shownPrice } from "../auction/phase";
import { type Bid, stepOf } from "./bid-draft";

/** How long an amount must have stood on the button. A press on a younger one may be meant for the amount before it. */
export const STOOD_MS_MIN = 500;
/** An amount of this many times the price may be a typing error. */
const UNUSUAL_FACTOR = 10n;
/** How many times the bids of the last seconds an offer allows for, so that it is valid still when it is answered. */
const HEADROOM = 4n;

/** A bid as it stood on the button when the press began. */
export type Pressed = {
  readonly bid: Bid;
  readonly leads: boolean;
  readonly leastBid: bigint;
  /** Whether it had stood there for `STOOD_MS_MIN`. */
  readonly isSettled: boolean;
};

/** What the page asks before it sends a bid. The amounts of a question do not change while it is shown. */
export type Question =
  | { readonly kind: "unusual"; readonly bid: Bid }
  /** The price moved. `pressed` is too low by now if it is below `maximum`. */
  | { readonly kind: "moved"; readonly pressed: bigint; readonly maximum: bigint };

/** The question to ask about a pressed bid, if any, in the newest known state. */
export function questionOf(pressed: Pressed, item: Item, leads: boolean, recentBids: bigint): Question | null {
  const { bid } = pressed;
  if (hasMoved(pressed, item, leads)) {
    return movedQuestion(bid, item, recentBids);
  }
  return isUnusual(greatestOf(bid), item) ? { kind: "unusual", bid } : null;
}

/** The question about a bid that may be too low by now: whether to bid up to its amount, or to one that is valid still. */
export function movedQuestion(bid: Bid, item: Item, recentBids: bigint): Question {
  const pressed = greatestOf(bid);
  const isTooLow = pressed < item.minimumNextBid;
  return { kind: "moved", pressed, maximum: isTooLow ? offeredMaximum(item, recentBids) : pressed };
}

/** The most that a bid can cost. */
export function greatestOf({ amount, maxAmount }: Bid): bigint {
  return maxAmount > amount ? maxAmount : amount;
}

/** Whether the amount is so far above the price that it may be a typing error. */
export function isUnusual(amount: bigint, item: Item): boolean {
  return amount >= shownPrice(item) * UNUSUAL_FACTOR;
}

/** A leader's maximum does not depend on the price, as long as they lead. */
function hasMoved(pressed: Pressed, item: Item, leads: boolean): boolean {
  if (pressed.leads || leads) {
    return pressed.leads !== leads;
  }
  return !pressed.isSettled || pressed.leastBid !== item.minimumNextBid;
}

/** The least bid; among many bidders, with room above it. */
function offeredMaximum(item: Item, recentBids: bigint): bigint {
  return item.minimumNextBid + stepOf(item) * recentBids * HEADROOM;
}
