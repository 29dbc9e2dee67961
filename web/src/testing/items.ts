import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Bid,
  BidSchema,
  type Item,
  type ItemEvent,
  ItemEventSchema,
  ItemSchema,
  ItemStatus,
  ReserveState,
} from "@gavel/client";

export const ITEM_ID = "00000000-0000-4000-8000-000000000001";
export const ME = "00000000-0000-4000-8000-0000000000aa";
export const RIVAL = "00000000-0000-4000-8000-0000000000bb";
export const SELLER = "00000000-0000-4000-8000-0000000000cc";

/** An open auction from 20.00, an hour before its end, without a bid. */
export function anItem(with_: MessageInitShape<typeof ItemSchema> = {}): Item {
  const nowMs = Date.now();
  return create(ItemSchema, {
    id: ITEM_ID,
    title: "A lamp",
    startPrice: 2_000n,
    minimumNextBid: 2_000n,
    startAt: timestampFromMs(nowMs - 60_000),
    endAt: timestampFromMs(nowMs + 3_600_000),
    updatedAt: timestampFromMs(nowMs - 60_000),
    sellerId: SELLER,
    status: ItemStatus.ACTIVE,
    reserveState: ReserveState.NONE,
    seq: 1n,
    currency: "USD",
    ...with_,
  });
}

export function aBid(seq: bigint, with_: MessageInitShape<typeof BidSchema> = {}): Bid {
  return create(BidSchema, {
    id: `bid ${seq}`,
    itemId: ITEM_ID,
    userId: RIVAL,
    amount: 1_900n + 100n * (seq - 1n),
    createdAt: timestampFromMs(Date.now()),
    seq,
    ...with_,
  });
}

/** The event of a bid, with the state after it. */
export function bidPlaced(seq: bigint, with_: MessageInitShape<typeof BidSchema> = {}): ItemEvent {
  const bid = aBid(seq, with_);
  return create(ItemEventSchema, {
    itemId: bid.itemId,
    seq,
    what: { case: "bidPlaced", value: bid },
    currentHighestBid: bid.amount,
    minimumNextBid: bid.amount + 100n,
    highestBidderId: bid.userId,
    bidCount: seq - 1n,
    endAt: timestampFromMs(Date.now() + 3_600_000),
  });
}
