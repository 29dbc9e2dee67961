import { describe, expect, it } from "vitest";
import { anItem } from "../testing/items";
import { type Pressed, questionOf } from "./question";

const item = anItem({ currentHighestBid: 2_000n, minimumNextBid: 2_100n, bidCount: 5n });
const pressed: Pressed = {
  bid: { amount: 2_100n, maxAmount: 0n },
  leads: false,
  leastBid: 2_100n,
  isSettled: true,
};

describe("a pressed bid", () => {
  it("needs no question if its amount has stood on the button and the price has not moved", () => {
    expect(questionOf(pressed, item, false, 0n)).toBeNull();
  });

  it("is offered as a maximum if its amount had only just appeared", () => {
    expect(questionOf({ ...pressed, isSettled: false }, item, false, 0n)).toEqual({
      kind: "moved",
      pressed: 2_100n,
      maximum: 2_100n,
    });
  });

  it("is offered as a maximum if the price moved during the press", () => {
    const typed = { ...pressed, bid: { amount: 5_000n, maxAmount: 0n }, leastBid: 1_900n };
    expect(questionOf(typed, item, false, 0n)).toMatchObject({ kind: "moved", maximum: 5_000n });
    const withMaximum = { ...typed, bid: { amount: 5_000n, maxAmount: 8_000n } };
    expect(questionOf(withMaximum, item, false, 0n)).toMatchObject({ pressed: 8_000n, maximum: 8_000n });
  });

  it("that is too low by now leads to an offer of the least bid, among many bidders with room above it", () => {
    const late = { ...pressed, bid: { amount: 1_900n, maxAmount: 0n }, leastBid: 1_900n };
    expect(questionOf(late, item, false, 0n)).toEqual({ kind: "moved", pressed: 1_900n, maximum: 2_100n });
    expect(questionOf(late, item, false, 60n)).toEqual({ kind: "moved", pressed: 1_900n, maximum: 26_100n });
  });

  it("of the leader is asked about only if they lost the lead meanwhile", () => {
    const raise = { ...pressed, bid: { amount: 1_900n, maxAmount: 6_000n }, leads: true, leastBid: 1_900n };
    expect(questionOf(raise, item, true, 9n)).toBeNull();
    expect(questionOf(raise, item, false, 9n)).toEqual({ kind: "moved", pressed: 6_000n, maximum: 6_000n });
  });

  it.each([
    ["amount", { amount: 20_000n, maxAmount: 0n }],
    ["maximum", { amount: 2_100n, maxAmount: 20_000n }],
  ])("of ten times the price is unusual: the %s", (_, bid) => {
    expect(questionOf({ ...pressed, bid }, item, false, 0n)).toEqual({ kind: "unusual", bid });
  });

  it("of less than ten times the price is usual", () => {
    expect(questionOf({ ...pressed, bid: { amount: 19_999n, maxAmount: 0n } }, item, false, 0n)).toBeNull();
  });
});
