import { describe, expect, it } from "vitest";
import { anItem, ME, RIVAL } from "../testing/items";
import { canBuyNow, isLedBy } from "./phase";

describe("the lead", () => {
  it("belongs to the highest bidder", () => {
    expect(isLedBy(anItem({ highestBidderId: ME }), ME)).toBe(true);
    expect(isLedBy(anItem({ highestBidderId: RIVAL }), ME)).toBe(false);
  });

  it("belongs to no one before the first bid, not even to a user who is not signed in", () => {
    expect(isLedBy(anItem({ highestBidderId: "" }), "")).toBe(false);
  });
});

describe("buy-now", () => {
  const item = anItem({ buyNowPrice: 9_000n, buyNowAvailable: false, bidCount: 0n });

  it("is open as soon as the auction is, even if the item was read before that", () => {
    expect(canBuyNow(item, "scheduled")).toBe(false);
    expect(canBuyNow(item, "open")).toBe(true);
  });

  it("ends with the first bid, unless the server keeps it open", () => {
    expect(canBuyNow({ ...item, bidCount: 1n }, "open")).toBe(false);
    expect(canBuyNow({ ...item, bidCount: 1n, buyNowAvailable: true }, "open")).toBe(true);
    expect(canBuyNow({ ...item, buyNowPrice: 0n }, "open")).toBe(false);
  });
});
