import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ItemEventSchema, ItemStatus, ReserveState } from "@gavel/client";
import { describe, expect, it, vi } from "vitest";
import { anItem, bidPlaced, ITEM_ID, ME } from "../testing/items";
import { LiveItems } from "./live-items";

function holding(item = anItem()): LiveItems {
  const items = new LiveItems();
  items.offer(item);
  return items;
}

describe("the newest state of an item", () => {
  it("is the state after an event", () => {
    const items = holding();
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

  it("is never replaced by an older one", () => {
    const items = holding(anItem({ seq: 5n, currentHighestBid: 9_000n }));
    expect(items.offer(anItem({ seq: 4n, currentHighestBid: 8_000n }))).toBe(false);
    expect(items.apply(bidPlaced(5n))).toBe(false);
    expect(items.apply(bidPlaced(3n))).toBe(false);
    expect(items.get(ITEM_ID)?.currentHighestBid).toBe(9_000n);
  });

  it("takes changed texts, which have no event, in the order of updated_at", () => {
    const items = holding(anItem({ updatedAt: timestampFromMs(2_000) }));
    expect(items.offer(anItem({ title: "Older", updatedAt: timestampFromMs(1_000) }))).toBe(false);
    expect(items.offer(anItem({ title: "Newer", updatedAt: timestampFromMs(2_001) }))).toBe(true);
    expect(items.get(ITEM_ID)?.title).toBe("Newer");
  });

  it("keeps the description and the further images that lists leave out", () => {
    const images = ["https://example.org/1.jpg", "https://example.org/2.jpg"];
    const items = holding(anItem({ description: "Brass", images }));
    items.offerListed(anItem({ seq: 2n, currentHighestBid: 2_000n, images: images.slice(0, 1) }));
    expect(items.get(ITEM_ID)).toMatchObject({ currentHighestBid: 2_000n, description: "Brass", images });
    items.offerListed(anItem({ seq: 3n, images: ["https://example.org/3.jpg"] }));
    expect(items.get(ITEM_ID)).toMatchObject({ description: "Brass", images: ["https://example.org/3.jpg"] });
  });

  it("has the outcome after the close, or is cancelled", () => {
    const items = holding();
    const closed = create(ItemEventSchema, {
      itemId: ITEM_ID,
      seq: 2n,
      what: { case: "closed", value: { sold: true, winnerId: ME, amount: 2_000n } },
    });
    items.apply(closed);
    expect(items.get(ITEM_ID)).toMatchObject({ status: ItemStatus.ENDED, outcome: { sold: true, winnerId: ME } });

    const others = holding();
    others.apply(create(ItemEventSchema, { itemId: ITEM_ID, seq: 2n, what: { case: "cancelled", value: {} } }));
    expect(others.get(ITEM_ID)?.status).toBe(ItemStatus.CANCELLED);
  });

  it("has no buy-now after the first bid, unless an unmet reserve keeps it open", () => {
    const plain = holding(anItem({ buyNowPrice: 9_000n, buyNowAvailable: true }));
    plain.apply(bidPlaced(2n, { amount: 2_000n }));
    expect(plain.get(ITEM_ID)?.buyNowAvailable).toBe(false);

    const reserved = holding(
      anItem({ buyNowPrice: 9_000n, buyNowAvailable: true, reserveState: ReserveState.NOT_MET }),
    );
    reserved.apply(bidPlaced(2n, { amount: 2_000n }));
    expect(reserved.get(ITEM_ID)?.buyNowAvailable).toBe(true);
    reserved.apply(bidPlaced(3n, { amount: 9_000n }));
    expect(reserved.get(ITEM_ID)?.buyNowAvailable).toBe(false);
  });

  it("applies the same rule to an item that was last read before it opened", () => {
    const scheduled = { buyNowPrice: 9_000n, buyNowAvailable: false, reserveState: ReserveState.NOT_MET };
    const reserved = holding(anItem({ ...scheduled, bidCount: 0n }));
    reserved.apply(bidPlaced(2n, { amount: 2_000n }));
    expect(reserved.get(ITEM_ID)?.buyNowAvailable).toBe(true);
  });

  it("is reported once per change, and not if nothing changed", () => {
    const items = holding();
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

  it("is not known from an event alone", () => {
    expect(new LiveItems().apply(bidPlaced(2n))).toBe(false);
  });
});
