import { describe, expect, it } from "vitest";
import { anItem } from "../testing/items";
import { checkBid, suggestedAmounts, suggestedMaximums } from "./bid-draft";

const item = anItem({ currentHighestBid: 2_000n, minimumNextBid: 2_100n, bidCount: 1n });
const RIVAL_LEADS = { leads: false, maximum: 0n };
const I_LEAD = { leads: true, maximum: 0n };

describe("a typed bid", () => {
  it("is an amount and an optional maximum", () => {
    expect(checkBid({ amountText: "21", maximumText: null }, item, RIVAL_LEADS)).toEqual({
      ok: true,
      bid: { amount: 2_100n, maxAmount: 0n },
    });
    expect(checkBid({ amountText: "21", maximumText: "50" }, item, RIVAL_LEADS)).toEqual({
      ok: true,
      bid: { amount: 2_100n, maxAmount: 5_000n },
    });
  });

  it("is too low below the least bid, without a call to the server", () => {
    expect(checkBid({ amountText: "20.99", maximumText: null }, item, RIVAL_LEADS)).toMatchObject({
      ok: false,
      tooLow: true,
    });
  });

  it("must have a maximum of at least the amount", () => {
    expect(checkBid({ amountText: "30", maximumText: "25" }, item, RIVAL_LEADS)).toMatchObject({
      ok: false,
      field: "maximum",
    });
  });

  it("may be a maximum alone: the least bid, and as much more as it takes", () => {
    expect(checkBid({ amountText: " ", maximumText: "50" }, item, RIVAL_LEADS)).toEqual({
      ok: true,
      bid: { amount: 2_100n, maxAmount: 5_000n },
    });
    expect(checkBid({ amountText: "", maximumText: null }, item, RIVAL_LEADS)).toMatchObject({ field: "amount" });
  });

  it("is only a maximum for the leader", () => {
    expect(checkBid({ amountText: "ignored", maximumText: "80" }, item, I_LEAD)).toMatchObject({
      bid: { amount: 2_100n, maxAmount: 8_000n },
    });
    expect(checkBid({ amountText: "ignored", maximumText: "" }, item, I_LEAD)).toMatchObject({
      ok: false,
      field: "maximum",
    });
  });

  it("can't lower the leader's maximum, and says what it is", () => {
    const mine = { leads: true, maximum: 8_000n };
    expect(checkBid({ amountText: "", maximumText: "79" }, item, mine)).toEqual({
      ok: false,
      field: "maximum",
      problem: "Your maximum is $80.00 already. You can raise it, but not lower it.",
    });
    expect(checkBid({ amountText: "", maximumText: "80" }, item, mine)).toMatchObject({ ok: false });
    expect(checkBid({ amountText: "", maximumText: "80.01" }, item, mine)).toMatchObject({ ok: true });
  });
});

describe("suggested bids", () => {
  it("begin with the least bid and rise in the item's increments", () => {
    expect(suggestedAmounts(item)).toEqual([2_100n, 2_300n, 2_600n]);
  });

  it("are one if the price is too small for increments", () => {
    expect(suggestedAmounts(anItem({ minimumNextBid: 1n }))).toEqual([1n]);
  });

  it("to the leader are above the price and their present maximum", () => {
    expect(suggestedMaximums(item, I_LEAD)).toEqual([2_500n, 3_000n, 4_000n]);
    expect(suggestedMaximums(item, { leads: true, maximum: 8_000n })).toEqual([8_500n, 9_000n, 10_000n]);
  });
});
