import { describe, expect, it } from "vitest";
import { anItem } from "../testing/items";
import { checkBid, suggestedAmounts } from "./bid-draft";

const item = anItem({ currentHighestBid: 2_000n, minimumNextBid: 2_100n, bidCount: 1n });

describe("a typed bid", () => {
  it("is an amount, with a maximum where one is set", () => {
    expect(checkBid({ amountText: "21", maximumText: null }, item, false)).toMatchObject({
      bid: { amount: 2_100n, maxAmount: 0n },
    });
    expect(checkBid({ amountText: "21", maximumText: "50" }, item, false)).toMatchObject({
      bid: { amount: 2_100n, maxAmount: 5_000n },
    });
  });

  it("is too low below the least bid, and that is said without asking the server", () => {
    expect(checkBid({ amountText: "20.99", maximumText: null }, item, false)).toMatchObject({
      ok: false,
      tooLow: true,
    });
  });

  it("needs a maximum of at least the bid", () => {
    expect(checkBid({ amountText: "30", maximumText: "25" }, item, false)).toMatchObject({
      ok: false,
      field: "maximum",
    });
  });

  it("is only a maximum for the one who leads", () => {
    expect(checkBid({ amountText: "ignored", maximumText: "80" }, item, true)).toMatchObject({
      bid: { amount: 2_100n, maxAmount: 8_000n },
    });
    expect(checkBid({ amountText: "ignored", maximumText: "" }, item, true)).toMatchObject({
      ok: false,
      field: "maximum",
    });
  });

  it("is asked about where a digit too many is likely", () => {
    expect(checkBid({ amountText: "210", maximumText: null }, item, false)).toMatchObject({ startling: true });
    expect(checkBid({ amountText: "209", maximumText: null }, item, false)).toMatchObject({ startling: false });
  });
});

describe("suggested bids", () => {
  it("begin with the least one and go on in the item's steps", () => {
    expect(suggestedAmounts(item)).toEqual([2_100n, 2_300n, 2_600n]);
  });

  it("are one where the price is too small for steps", () => {
    expect(suggestedAmounts(anItem({ minimumNextBid: 1n }))).toEqual([1n]);
  });
});
