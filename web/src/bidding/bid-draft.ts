import type { Item } from "@gavel/client";
import { formatMoney, parseMoney } from "../money/money";

/** A bid of this many times the least bid needs confirmation: it may be a typing error. */
const CONFIRM_FACTOR = 10n;

export type BidDraft = { readonly amountText: string; readonly maximumText: string | null };
export type Bid = { readonly amount: bigint; readonly maxAmount: bigint };
export type Checked =
  | { readonly ok: true; readonly bid: Bid; readonly needsConfirmation: boolean }
  | { readonly ok: false; readonly field: "amount" | "maximum"; readonly problem: string; readonly tooLow?: true };

/**
 * Parse a typed bid and check it against the newest known state. The price only rises, so a bid that is too low here is
 * too low for the server as well. The server decides everything else.
 */
export function checkBid(draft: BidDraft, item: Item, leads: boolean): Checked {
  const { currency, minimumNextBid } = item;
  const amount = leads ? ({ ok: true, minor: minimumNextBid } as const) : parseMoney(draft.amountText, currency);
  if (!amount.ok) {
    return { ok: false, field: "amount", problem: amount.problem };
  }
  if (amount.minor < minimumNextBid) {
    return { ok: false, field: "amount", problem: "Your bid is too low.", tooLow: true };
  }
  if (draft.maximumText === null) {
    return {
      ok: true,
      bid: { amount: amount.minor, maxAmount: 0n },
      needsConfirmation: isUnusuallyHigh(amount.minor, item),
    };
  }
  const maximum = parseMoney(draft.maximumText, currency);
  if (!maximum.ok) {
    return { ok: false, field: "maximum", problem: maximum.problem };
  }
  if (maximum.minor < amount.minor) {
    const problem = leads
      ? `The maximum must be at least ${formatMoney(minimumNextBid, currency)}.`
      : "The maximum must be at least your bid.";
    return { ok: false, field: "maximum", problem };
  }
  return {
    ok: true,
    bid: { amount: amount.minor, maxAmount: maximum.minor },
    needsConfirmation: isUnusuallyHigh(amount.minor, item),
  };
}

function isUnusuallyHigh(amount: bigint, item: Item): boolean {
  return amount >= item.minimumNextBid * CONFIRM_FACTOR;
}

/** The least bid and two higher ones, in the item's increments. */
export function suggestedAmounts(item: Item): bigint[] {
  const step = item.bidCount > 0n ? item.minimumNextBid - item.currentHighestBid : item.minimumNextBid / 20n;
  return step > 0n ? [0n, 2n, 5n].map((steps) => item.minimumNextBid + step * steps) : [item.minimumNextBid];
}
