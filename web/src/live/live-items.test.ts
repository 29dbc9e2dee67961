import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ItemEventSchema, ItemStatus, ReserveState } from "@gavel/client";
import { describe, expect, it, vi } from "vitest";
import { anItem, bidPlaced, ITEM_ID, ME } from "../testing/items";
import { LiveItems } from "./live-items";

function showing(item = anItem()): LiveItems {
  const items = new LiveItems();
  items.offer(item);
  return items;
}

describe("the newest state of an item", () => {
  it("is what an event leaves, bid for bid", () => {
    const items = showing();
    expect(items.apply(bidPlaced(2n, { userId: ME, amount: 2_000n }))).toBe(true);
    expect(items.get(ITEM_ID)).toMatchObject({
      seq: 2n,
      currentHighestBid: 2_000n,
      minimumNextBid: 2_100n,
      highestBidderId: ME,
      bidCount: 1n,
      title: "A lamp",
    });
  });

  it("never goes back to an older one, whoever tells it", () => {
    const items = showing(anItem({ seq: 5n, currentHighestBid: 9_000n }));
    expect(items.offer(anItem({ seq: 4n, currentHighestBid: 8_000n }))).toBe(false);
    expect(items.apply(bidPlaced(5n))).toBe(false);
    expect(items.apply(bidPlaced(3n))).toBe(false);
    expect(items.get(ITEM_ID)?.currentHighestBid).toBe(9_000n);
  });

  it("takes changed texts, which have no event, by the time of the update", () => {
    const items = showing(anItem({ updatedAt: timestampFromMs(2_000) }));
    expect(items.offer(anItem({ title: "Older", updatedAt: timestampFromMs(1_000) }))).toBe(false);
    expect(items.offer(anItem({ title: "Newer", updatedAt: timestampFromMs(2_001) }))).toBe(true);
    expect(items.get(ITEM_ID)?.title).toBe("Newer");
  });

  it("ends with the outcome, or cancelled", () => {
    const items = showing();
    const closed = create(ItemEventSchema, {
      itemId: ITEM_ID,
      seq: 2n,
      what: { case: "closed", value: { sold: true, winnerId: ME, amount: 2_000n } },
    });
    items.apply(closed);
    expect(items.get(ITEM_ID)).toMatchObject({ status: ItemStatus.ENDED, outcome: { sold: true, winnerId: ME } });

    const others = showing();
    others.apply(create(ItemEventSchema, { itemId: ITEM_ID, seq: 2n, what: { case: "cancelled", value: {} } }));
    expect(others.get(ITEM_ID)?.status).toBe(ItemStatus.CANCELLED);
  });

  it("offers buy-now no longer once someone has bid, unless a reserve keeps it open", () => {
    const plain = showing(anItem({ buyNowPrice: 9_000n, buyNowAvailable: true }));
    plain.apply(bidPlaced(2n, { amount: 2_000n }));
    expect(plain.get(ITEM_ID)?.buyNowAvailable).toBe(false);

    const reserved = showing(
      anItem({ buyNowPrice: 9_000n, buyNowAvailable: true, reserveState: ReserveState.NOT_MET }),
    );
    reserved.apply(bidPlaced(2n, { amount: 2_000n }));
    expect(reserved.get(ITEM_ID)?.buyNowAvailable).toBe(true);
    reserved.apply(bidPlaced(3n, { amount: 9_000n }));
    expect(reserved.get(ITEM_ID)?.buyNowAvailable).toBe(false);
  });

  it("offers buy-now by the same rule on what was last told before it opened", () => {
    const scheduled = { buyNowPrice: 9_000n, buyNowAvailable: false, reserveState: ReserveState.NOT_MET };
    const reserved = showing(anItem({ ...scheduled, bidCount: 0n }));
    reserved.apply(bidPlaced(2n, { amount: 2_000n }));
    expect(reserved.get(ITEM_ID)?.buyNowAvailable).toBe(true);
  });

  it("tells of a change once, and of nothing where nothing changed", () => {
    const items = showing();
    const [ofOne, ofAny] = [vi.fn(), vi.fn()];
    const stop = items.subscribe(ITEM_ID, ofOne);
    items.onChange(ofAny);
    items.apply(bidPlaced(2n));
    items.apply(bidPlaced(2n));
    stop();
    items.apply(bidPlaced(3n));
    expect(ofOne).toHaveBeenCalledTimes(1);
    expect(ofAny).toHaveBeenCalledTimes(2);
    expect(ofAny.mock.calls[0]?.[0]).toMatchObject({ before: { seq: 1n }, after: { seq: 2n } });
  });

  it("has no place for an event of an item that nobody has told", () => {
    expect(new LiveItems().apply(bidPlaced(2n))).toBe(false);
  });
});
