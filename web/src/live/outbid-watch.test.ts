import { create } from "@bufbuild/protobuf";
import { ItemEventSchema } from "@gavel/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { anItem, bidPlaced, ITEM_ID, ME, RIVAL } from "../testing/items";
import { LiveItems } from "./live-items";
import { SETTLE_MS, watchLead } from "./outbid-watch";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function watching() {
  const items = new LiveItems();
  items.offer(anItem({ seq: 2n, bidCount: 1n, highestBidderId: ME, currentHighestBid: 2_000n }));
  const told = { outbid: vi.fn(), won: vi.fn() };
  const stop = watchLead(items, () => ME, told);
  return { items, told, stop };
}

describe("the lead", () => {
  it("is told lost, once, with the newest state", () => {
    const { items, told } = watching();
    items.apply(bidPlaced(3n, { userId: RIVAL }));
    items.apply(bidPlaced(4n, { userId: RIVAL, amount: 5_000n }));
    vi.advanceTimersByTime(SETTLE_MS);
    expect(told.outbid).toHaveBeenCalledTimes(1);
    expect(told.outbid.mock.calls[0]?.[0]).toMatchObject({ currentHighestBid: 5_000n });
  });

  it("is nobody's who is not signed in, so that the first bid takes it from nobody", () => {
    const items = new LiveItems();
    items.offer(anItem({ seq: 1n, bidCount: 0n, highestBidderId: "" }));
    const told = { outbid: vi.fn(), won: vi.fn() };
    watchLead(items, () => "", told);
    items.apply(bidPlaced(2n, { userId: RIVAL }));
    vi.advanceTimersByTime(SETTLE_MS);
    expect(told.outbid).not.toHaveBeenCalled();
  });

  it("is not told lost where one's own maximum answers in the same decision", () => {
    const { items, told } = watching();
    items.apply(bidPlaced(3n, { userId: RIVAL }));
    items.apply(bidPlaced(4n, { userId: ME, automatic: true }));
    vi.advanceTimersByTime(SETTLE_MS * 2);
    expect(told.outbid).not.toHaveBeenCalled();
  });

  it("is told lost by an answer as well, when the feed is away", () => {
    const { items, told } = watching();
    items.offer(anItem({ seq: 9n, highestBidderId: RIVAL, bidCount: 8n }));
    vi.advanceTimersByTime(SETTLE_MS);
    expect(told.outbid).toHaveBeenCalledTimes(1);
  });

  it("is nobody else's business", () => {
    const { items, told } = watching();
    items.apply(bidPlaced(3n, { userId: RIVAL }));
    vi.advanceTimersByTime(SETTLE_MS);
    items.apply(bidPlaced(4n, { userId: "someone else" }));
    vi.advanceTimersByTime(SETTLE_MS);
    expect(told.outbid).toHaveBeenCalledTimes(1);
  });

  it("is told won when the auction closes on it, and once only", () => {
    const { items, told } = watching();
    const outcome = { sold: true, winnerId: ME, amount: 2_000n };
    items.apply(
      create(ItemEventSchema, {
        itemId: ITEM_ID,
        seq: 3n,
        what: { case: "closed", value: outcome },
        highestBidderId: ME,
      }),
    );
    items.offer(anItem({ seq: 3n, highestBidderId: ME, outcome }));
    vi.advanceTimersByTime(SETTLE_MS);
    expect(told.won).toHaveBeenCalledTimes(1);
    expect(told.outbid).not.toHaveBeenCalled();
  });
});
