import { describe, expect, it } from "vitest";
import { anItem } from "../testing/items";
import { checkBid, suggestedAmounts } from "./bid-draft";

const item = anItem({ currentHighestBid: 2_000n, minimumNextBid: 2_100n, bidCount: 1n });

describe("a typed bid", () => {
  it("is an amount and an optional maximum", () => {
    expect(checkBid({ amountText: "21", maximumText: null }, item, false)).toMatchObject({
      bid: { amount: 2_100n, maxAmount: 0n },
    });
    expect(checkBid({ amountText: "21", maximumText: "50" }, item, false)).toMatchObject({
      bid: { amount: 2_100n, maxAmount: 5_000n },
    });
  });

  it("is too low below the least bid, without a call to the server", () => {
    expect(checkBid({ amountText: "20.99", maximumText: null }, item, false)).toMatchObject({
      ok: false,
      tooLow: true,
    });
  });

  it("must have a maximum of at least the amount", () => {
    expect(checkBid({ amountText: "30", maximumText: "25" }, item, false)).toMatchObject({
      ok: false,
      field: "maximum",
    });
  });

  it("is only a maximum for the leader", () => {
    expect(checkBid({ amountText: "ignored", maximumText: "80" }, item, true)).toMatchObject({
      bid: { amount: 2_100n, maxAmount: 8_000n },
    });
    expect(checkBid({ amountText: "ignored", maximumText: "" }, item, true)).toMatchObject({
      ok: false,
      field: "maximum",
    });
  });

  it("needs confirmation at ten times the least bid", () => {
    expect(checkBid({ amountText: "210", maximumText: null }, item, false)).toMatchObject({ needsConfirmation: true });
    expect(checkBid({ amountText: "209", maximumText: null }, item, false)).toMatchObject({ needsConfirmation: false });
  });
});

describe("suggested bids", () => {
  it("begin with the least bid and rise in the item's increments", () => {
    expect(suggestedAmounts(item)).toEqual([2_100n, 2_300n, 2_600n]);
  });

  it("are one if the price is too small for increments", () => {
    expect(suggestedAmounts(anItem({ minimumNextBid: 1n }))).toEqual([1n]);
  });
});
