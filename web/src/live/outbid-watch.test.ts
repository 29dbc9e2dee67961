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
  const listener = { outbid: vi.fn(), won: vi.fn() };
  const stop = watchLead(items, () => ME, listener);
  return { items, listener, stop };
}

describe("the lead", () => {
  it("is reported as lost once, with the newest state", () => {
    const { items, listener } = watching();
    items.apply(bidPlaced(3n, { userId: RIVAL }));
    items.apply(bidPlaced(4n, { userId: RIVAL, amount: 5_000n }));
    vi.advanceTimersByTime(SETTLE_MS);
    expect(listener.outbid).toHaveBeenCalledTimes(1);
    expect(listener.outbid.mock.calls[0]?.[0]).toMatchObject({ currentHighestBid: 5_000n });
  });

  it("can't be lost by a user who is not signed in", () => {
    const items = new LiveItems();
    items.offer(anItem({ seq: 1n, bidCount: 0n, highestBidderId: "" }));
    const listener = { outbid: vi.fn(), won: vi.fn() };
    watchLead(items, () => "", listener);
    items.apply(bidPlaced(2n, { userId: RIVAL }));
    vi.advanceTimersByTime(SETTLE_MS);
    expect(listener.outbid).not.toHaveBeenCalled();
  });

  it("is not lost if the user's maximum outbids the new bid in the same decision", () => {
    const { items, listener } = watching();
    items.apply(bidPlaced(3n, { userId: RIVAL }));
    items.apply(bidPlaced(4n, { userId: ME, automatic: true }));
    vi.advanceTimersByTime(SETTLE_MS * 2);
    expect(listener.outbid).not.toHaveBeenCalled();
  });

  it("is reported as lost from a response, while the feed is down", () => {
    const { items, listener } = watching();
    items.offer(anItem({ seq: 9n, highestBidderId: RIVAL, bidCount: 8n }));
    vi.advanceTimersByTime(SETTLE_MS);
    expect(listener.outbid).toHaveBeenCalledTimes(1);
  });

  it("of other users is not reported", () => {
    const { items, listener } = watching();
    items.apply(bidPlaced(3n, { userId: RIVAL }));
    vi.advanceTimersByTime(SETTLE_MS);
    items.apply(bidPlaced(4n, { userId: "someone else" }));
    vi.advanceTimersByTime(SETTLE_MS);
    expect(listener.outbid).toHaveBeenCalledTimes(1);
  });

  it("is reported as won once, when the auction closes", () => {
    const { items, listener } = watching();
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
    expect(listener.won).toHaveBeenCalledTimes(1);
    expect(listener.outbid).not.toHaveBeenCalled();
  });
});
