"""Feed events: an auction event as watchers see it, with the visible state right after it."""

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from gavel.bids.domain.auction import Auction, ItemId, UserId
from gavel.bids.domain.events import AuctionCancelled, AuctionClosed, AuctionExtended, BidPlaced, Event


class FeedKind(Enum):
    """Kind of a feed event. Listing has none: it comes before an item can be watched."""

    BID_PLACED = "bid_placed"
    EXTENDED = "extended"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class FeedEvent(NamedTuple):
    """One event with the item's visible state after it. A bid is its leader's, at its price.

    `automatic` is of a bid, `sold` of a close: to the leader, at the price.
    """

    item_id: ItemId
    seq: int
    at: datetime
    kind: FeedKind
    price: int
    minimum_next_bid: int
    leader_id: UserId | None
    end_at: datetime
    bid_count: int
    automatic: bool = False
    sold: bool = False


def feed_events(events: Iterable[Event], after: Auction) -> list[FeedEvent]:
    """Convert the events of one item that led to the state `after`, in order of seq, each with the state after itself.

    An extension comes right after the bid that caused it, so it has that bid's state with another end; a close and a
    cancellation are the last of all.
    """
    made: list[FeedEvent] = []
    for event in events:
        match event:
            case BidPlaced():
                made.append(_bid(event))
            case AuctionExtended():
                made.append(_rarer(FeedKind.EXTENDED, event, made[-1] if made else None, after, event.end_at))
            case AuctionClosed():
                made.append(_rarer(FeedKind.CLOSED, event, None, after, after.end_at, sold=event.sold))
            case AuctionCancelled():
                made.append(_rarer(FeedKind.CANCELLED, event, None, after, after.end_at))
            case _:
                pass
    return made


def _bid(event: BidPlaced) -> FeedEvent:
    return FeedEvent(
        event.item_id,
        event.seq,
        event.at,
        FeedKind.BID_PLACED,
        event.amount,
        event.minimum_next_bid,
        event.user_id,
        event.end_at,
        event.bid_count,
        automatic=event.automatic,
    )


def _rarer(
    kind: FeedKind, event: Event, before: FeedEvent | None, after: Auction, end_at: datetime, *, sold: bool = False
) -> FeedEvent:
    state = (
        (after.price, after.minimum_next_bid, after.leader_id, end_at, after.bid_count)
        if before is None
        else (before.price, before.minimum_next_bid, before.leader_id, end_at, before.bid_count)
    )
    return FeedEvent(event.item_id, event.seq, event.at, kind, *state, sold=sold)
