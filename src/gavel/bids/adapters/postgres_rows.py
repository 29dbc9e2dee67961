"""Rows of bid_db as domain values, and decisions as columns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import asyncpg

from gavel.bids.adapters.wire import RecordedEvent, outbox_messages
from gavel.bids.domain.auction import Auction, SoftClose, Terms
from gavel.bids.domain.decision import Decision, RetryKey
from gavel.bids.domain.events import AuctionCancelled, AuctionClosed, AuctionExtended, BidPlaced, Event, ItemListed
from gavel.bids.domain.ids import ItemId, UserId
from gavel.bids.domain.increments import BidIncrement

Row = asyncpg.Record

_LOG_KINDS: dict[type[Event], str] = {
    ItemListed: "listed",
    AuctionExtended: "extended",
    AuctionClosed: "closed",
    AuctionCancelled: "cancelled",
}


def auction_of(row: Row) -> Auction:
    """The auction that a row of `auctions` holds."""
    return Auction(
        ItemId(row["item_id"]),
        terms_of(row),
        row["end_at"],
        row["price"],
        UserId(row["leader_id"]) if row["leader_id"] else None,
        row["leader_maximum"],
        row["bid_count"],
        row["last_bid_seq"],
        row["seq"],
        row["revision"],
        row["cancelled_at"],
        row["closed_at"],
    )


def terms_of(row: Row) -> Terms:
    """The terms that a row of `auctions` holds."""
    return Terms(
        seller_id=UserId(row["seller_id"]),
        currency=row["currency"],
        start_at=row["start_at"],
        scheduled_end_at=row["scheduled_end_at"],
        start_price=row["start_price"],
        reserve_price=row["reserve_price"],
        buy_now_price=row["buy_now_price"],
        soft_close=SoftClose(
            window_seconds=row["soft_close_window_seconds"],
            extension_seconds=row["soft_close_extension_seconds"],
            max_extension_seconds=row["soft_close_max_extension_seconds"],
        ),
        increment=BidIncrement(row["increment_fixed"], row["increment_basis_points"]),
    )


def bid_of(row: Row) -> BidPlaced:
    """The bid that a row of `bids` holds."""
    return BidPlaced(
        ItemId(row["item_id"]),
        row["seq"],
        row["created_at"],
        UserId(row["user_id"]),
        row["amount"],
        row["maximum"],
        row["automatic"],
        UserId(row["outbid_user_id"]) if row["outbid_user_id"] else None,
        row["bid_count"],
        row["minimum_next_bid"],
        row["end_at"],
    )


@dataclass(slots=True)
class DecidedRows:
    """What a batch of decisions writes, a list of tuples for each table, in the order of write_decisions.sql."""

    auctions: dict[ItemId, Auction] = field(default_factory=dict[ItemId, Auction])
    bids: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    events: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    raises: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    keys: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    recorded: list[RecordedEvent] = field(default_factory=list[RecordedEvent])

    def add(self, decision: Decision, key: RetryKey | None, traceparent: str) -> None:
        """Take in one decision; the last state of an auction is the one that is written."""
        auction = decision.auction
        self.auctions[auction.item_id] = auction
        for event in decision.events:
            self.recorded.append(RecordedEvent(event, auction.terms, traceparent))
            if isinstance(event, BidPlaced):
                self.bids.append(_bid_row(event, traceparent or None))
            else:
                self.events.append(_event_row(event, auction, traceparent or None))
        if decision.raised_maximum:
            self.raises.append(
                (auction.item_id, auction.revision, auction.leader_id, auction.leader_maximum, traceparent or None)
            )
        if key is not None:
            self.keys.append((auction.item_id, key.user_id, key.key, key.request, decision.bid_seq))

    def arguments(self) -> list[Sequence[object]]:
        """The arrays that write_decisions.sql unnests, after its first parameter."""
        states = [_state_row(auction) for auction in self.auctions.values()]
        messages = [(m.routing_key, m.event_count, m.body) for m in outbox_messages(self.recorded)]
        return [
            *_columns(states, 11),
            *_columns(self.bids, 11),
            *_columns(self.events, 10),
            *_columns(self.raises, 5),
            *_columns(self.keys, 5),
            *_columns(messages, 3),
        ]


def _columns(rows: Iterable[tuple[object, ...]], width: int) -> list[Sequence[object]]:
    return list(zip(*rows, strict=True)) or [()] * width


def _state_row(auction: Auction) -> tuple[object, ...]:
    return (
        auction.item_id,
        auction.price,
        auction.leader_id,
        auction.leader_maximum,
        auction.bid_count,
        auction.last_bid_seq,
        auction.seq,
        auction.revision,
        auction.end_at,
        auction.cancelled_at,
        auction.closed_at,
    )


def _bid_row(bid: BidPlaced, traceparent: str | None) -> tuple[object, ...]:
    return (
        bid.item_id,
        bid.seq,
        bid.user_id,
        bid.amount,
        bid.maximum,
        bid.automatic,
        bid.outbid_user_id,
        bid.bid_count,
        bid.minimum_next_bid,
        bid.end_at,
        traceparent,
    )


def _event_row(event: Event, after: Auction, traceparent: str | None) -> tuple[object, ...]:
    """A rarer event is the last of its decision, or follows the bids of it: the state after it is the one decided."""
    return (
        event.item_id,
        event.seq,
        _LOG_KINDS[type(event)],
        after.price,
        after.leader_id,
        after.bid_count,
        after.minimum_next_bid,
        after.end_at,
        isinstance(event, AuctionClosed) and event.sold,
        traceparent,
    )
