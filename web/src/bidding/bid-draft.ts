import type { Item } from "@gavel/client";
import { formatMoney, parseMoney } from "../money/money";

/** Beyond so many times the least bid, one is asked whether that was meant. */
const STARTLING_FACTOR = 10n;

export type BidDraft = { readonly amountText: string; readonly maximumText: string | null };
export type Bid = { readonly amount: bigint; readonly maxAmount: bigint };
export type Checked =
  | { readonly ok: true; readonly bid: Bid; readonly startling: boolean }
  | { readonly ok: false; readonly field: "amount" | "maximum"; readonly problem: string; readonly tooLow?: true };

/**
 * What a typed bid comes to, checked against the newest known state. The price only rises, so what is too low here is
 * too low for the server as well; everything else is the server's to decide.
 */
export function checkBid(draft: BidDraft, item: Item, leads: boolean): Checked {
  const { currency, minimumNextBid } = item;
  const amount = leads ? ({ ok: true, minor: minimumNextBid } as const) : parseMoney(draft.amountText, currency);
  if (!amount.ok) {
    return { ok: false, field: "amount", problem: amount.problem };
  }
  if (amount.minor < minimumNextBid) {
    return { ok: false, field: "amount", problem: "That is not enough.", tooLow: true };
  }
  if (draft.maximumText === null) {
    return { ok: true, bid: { amount: amount.minor, maxAmount: 0n }, startling: isStartling(amount.minor, item) };
  }
  const maximum = parseMoney(draft.maximumText, currency);
  if (!maximum.ok) {
    return { ok: false, field: "maximum", problem: maximum.problem };
  }
  if (maximum.minor < amount.minor) {
    const problem = leads
      ? `A maximum helps from ${formatMoney(minimumNextBid, currency)} on.`
      : "The maximum must be at least your bid.";
    return { ok: false, field: "maximum", problem };
  }
  return {
    ok: true,
    bid: { amount: amount.minor, maxAmount: maximum.minor },
    startling: isStartling(amount.minor, item),
  };
}

function isStartling(amount: bigint, item: Item): boolean {
  return amount >= item.minimumNextBid * STARTLING_FACTOR;
}

/** The least bid and two bolder ones, in the item's own steps. */
export function suggestedAmounts(item: Item): bigint[] {
  const step = item.bidCount > 0n ? item.minimumNextBid - item.currentHighestBid : item.minimumNextBid / 20n;
  return step > 0n ? [0n, 2n, 5n].map((steps) => item.minimumNextBid + step * steps) : [item.minimumNextBid];
}
