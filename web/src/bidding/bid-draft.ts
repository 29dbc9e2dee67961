import type { Item } from "@gavel/client";
import { formatMoney, parseMoney } from "../money/money";

export type BidDraft = { readonly amountText: string; readonly maximumText: string | null };
export type Bid = { readonly amount: bigint; readonly maxAmount: bigint };
export type Checked =
  | { readonly ok: true; readonly bid: Bid }
  | { readonly ok: false; readonly field: "amount" | "maximum"; readonly problem: string; readonly tooLow?: true };

/** The user's position, as the form needs it. `maximum` is their standing one; 0 if there is none or it is unknown. */
export type Mine = { readonly leads: boolean; readonly maximum: bigint };

/**
 * Parse a typed bid and check it against the newest known state. The price only rises, so a bid that is too low here is
 * too low for the server as well. The server decides everything else.
 */
export function checkBid(draft: BidDraft, item: Item, mine: Mine): Checked {
  const { currency, minimumNextBid } = item;
  // A maximum alone is a bid as well: the least, and as much more as it takes.
  const isLeast = mine.leads || (draft.maximumText !== null && draft.amountText.trim() === "");
  const amount = isLeast ? ({ ok: true, minor: minimumNextBid } as const) : parseMoney(draft.amountText, currency);
  if (!amount.ok) {
    return { ok: false, field: "amount", problem: amount.problem };
  }
  if (amount.minor < minimumNextBid) {
    return { ok: false, field: "amount", problem: "Your bid is too low.", tooLow: true };
  }
  if (draft.maximumText === null) {
    return { ok: true, bid: { amount: amount.minor, maxAmount: 0n } };
  }
  const maximum = parseMoney(draft.maximumText, currency);
  if (!maximum.ok) {
    return { ok: false, field: "maximum", problem: maximum.problem };
  }
  const problem = maximumProblem(maximum.minor, amount.minor, item, mine);
  return problem
    ? { ok: false, field: "maximum", problem }
    : { ok: true, bid: { amount: amount.minor, maxAmount: maximum.minor } };
}

function maximumProblem(maximum: bigint, amount: bigint, item: Item, mine: Mine): string | null {
  const money = (minor: bigint): string => formatMoney(minor, item.currency);
  if (mine.leads && maximum <= mine.maximum) {
    return `Your maximum is ${money(mine.maximum)} already. You can raise it, but not lower it.`;
  }
  if (maximum < amount) {
    return mine.leads ? `The maximum must be at least ${money(amount)}.` : "The maximum must be at least your bid.";
  }
  return null;
}

/** The difference between the price and the least bid; before the first bid, a twentieth of the start price. */
export function stepOf(item: Item): bigint {
  return item.bidCount > 0n ? item.minimumNextBid - item.currentHighestBid : item.minimumNextBid / 20n;
}

/** The least bid and two higher ones, in the item's increments. */
export function suggestedAmounts(item: Item): bigint[] {
  const step = stepOf(item);
  return step > 0n ? [0n, 2n, 5n].map((steps) => item.minimumNextBid + step * steps) : [item.minimumNextBid];
}

/** Three maximums for the leader, above the price and their present maximum. */
export function suggestedMaximums(item: Item, { maximum }: Mine): bigint[] {
  const from = maximum > item.currentHighestBid ? maximum : item.currentHighestBid;
  const step = stepOf(item) || 1n;
  return [5n, 10n, 20n].map((steps) => from + step * steps);
}
