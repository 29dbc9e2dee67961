import { describe, expect, it } from "vitest";
import { anItem, ME, RIVAL } from "../testing/items";
import { canBuyNow, isLedBy } from "./phase";

describe("the lead", () => {
  it("is the highest bidder's", () => {
    expect(isLedBy(anItem({ highestBidderId: ME }), ME)).toBe(true);
    expect(isLedBy(anItem({ highestBidderId: RIVAL }), ME)).toBe(false);
  });

  it("is nobody's before the first bid, least of all of someone who is not signed in", () => {
    expect(isLedBy(anItem({ highestBidderId: "" }), "")).toBe(false);
  });
});

describe("buy-now", () => {
  const item = anItem({ buyNowPrice: 9_000n, buyNowAvailable: false, bidCount: 0n });

  it("is offered as soon as the clock has opened an auction that was told before", () => {
    expect(canBuyNow(item, "scheduled")).toBe(false);
    expect(canBuyNow(item, "open")).toBe(true);
  });

  it("is over with the first bid, unless it is said to be kept open", () => {
    expect(canBuyNow({ ...item, bidCount: 1n }, "open")).toBe(false);
    expect(canBuyNow({ ...item, bidCount: 1n, buyNowAvailable: true }, "open")).toBe(true);
    expect(canBuyNow({ ...item, buyNowPrice: 0n }, "open")).toBe(false);
  });
});
