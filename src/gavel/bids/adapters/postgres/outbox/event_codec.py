"""Encode events of the bid domain by the published contract `events.v1`."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from protobuf import Oneof

from gavel.bids.domain.auction import Terms, event_id
from gavel.bids.domain.events import AuctionCancelled, AuctionClosed, AuctionExtended, BidPlaced, Event, ItemListed
from gavel.bids.ports.outbox import OutboxMessage
from gavel.contracts.events.v1 import auction_events_pb as pb
from gavel.runtime.telemetry import tracing
from gavel.runtime.timestamps import timestamp

ROUTING_KEYS: dict[type[Event], str] = {
    BidPlaced: "bid.placed",
    AuctionExtended: "auction.extended",
    AuctionClosed: "auction.closed",
    AuctionCancelled: "auction.cancelled",
    ItemListed: "item.listed",
}

Fact = (
    Oneof[Literal["bid_placed"], pb.BidPlaced]
    | Oneof[Literal["auction_extended"], pb.AuctionExtended]
    | Oneof[Literal["auction_closed"], pb.AuctionClosed]
    | Oneof[Literal["auction_cancelled"], pb.AuctionCancelled]
    | Oneof[Literal["item_listed"], pb.ItemListed]
)

# Field 4 of events.v1.Event, length-delimited, 55 bytes. A title that contains such bytes adds a span link.
_TRACEPARENT = re.compile(rb"\x22\x37(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f][13579bdf])")


class RecordedEvent(NamedTuple):
    """An event with the rest of its message: the auction's terms and the trace context."""

    event: Event
    terms: Terms
    traceparent: str


def outbox_messages(recorded: Sequence[RecordedEvent]) -> list[OutboxMessage]:
    """Encode the events as one message for each routing key, in order of appearance."""
    by_key: dict[str, list[pb.Event]] = {}
    for each in recorded:
        by_key.setdefault(ROUTING_KEYS[type(each.event)], []).append(_event(each))
    return [OutboxMessage(key, pb.EventBatch(events=events).to_binary(), len(events)) for key, events in by_key.items()]


def sampled_traces(bodies: Iterable[bytes]) -> list[str]:
    """Each sampled trace context in these `EventBatch`es once, in their order; none if nothing is exported.

    The events are not decoded, since a relay passes on thousands at once.
    """
    if not tracing.is_on:
        return []
    found = dict.fromkeys(match for body in bodies for match in _TRACEPARENT.findall(body))
    return [traceparent.decode() for traceparent in found]


def _event(recorded: RecordedEvent) -> pb.Event:
    event = recorded.event
    identity = event_id(event.item_id, event.seq, event.at)
    return pb.Event(
        event_id=identity,
        item_id=event.item_id,
        seq=event.seq,
        traceparent=recorded.traceparent,
        recorded_at=timestamp(event.at),
        fact=_fact(event, identity, recorded.terms),
    )


def _fact(event: Event, identity: str, terms: Terms) -> Fact:
    match event:
        case BidPlaced():
            return Oneof(field="bid_placed", value=_bid_placed(event, identity, terms))
        case AuctionExtended():
            return Oneof(
                field="auction_extended",
                value=pb.AuctionExtended(
                    item_id=event.item_id, seq=event.seq, end_at=timestamp(event.end_at), timestamp=timestamp(event.at)
                ),
            )
        case AuctionClosed():
            return Oneof(
                field="auction_closed",
                value=pb.AuctionClosed(
                    item_id=event.item_id,
                    seq=event.seq,
                    seller_id=terms.seller_id,
                    sold=event.sold,
                    winner_id=event.winner_id or "",
                    amount=event.amount,
                    currency=terms.currency,
                    timestamp=timestamp(event.at),
                ),
            )
        case AuctionCancelled():
            return Oneof(
                field="auction_cancelled",
                value=pb.AuctionCancelled(
                    item_id=event.item_id, seq=event.seq, seller_id=terms.seller_id, timestamp=timestamp(event.at)
                ),
            )
        case ItemListed():
            return Oneof(field="item_listed", value=_item_listed(event, terms))


def _bid_placed(event: BidPlaced, bid_id: str, terms: Terms) -> pb.BidPlaced:
    return pb.BidPlaced(
        bid_id=bid_id,
        item_id=event.item_id,
        user_id=event.user_id,
        amount=event.amount,
        timestamp=timestamp(event.at),
        seq=event.seq,
        outbid_user_id=event.outbid_user_id or "",
        automatic=event.automatic,
        seller_id=terms.seller_id,
        currency=terms.currency,
        bid_count=event.bid_count,
        minimum_next_bid=event.minimum_next_bid,
        end_at=timestamp(event.end_at),
    )


def _item_listed(event: ItemListed, terms: Terms) -> pb.ItemListed:
    return pb.ItemListed(
        item_id=event.item_id,
        seq=event.seq,
        seller_id=terms.seller_id,
        title=event.title,
        start_price=terms.start_price,
        currency=terms.currency,
        start_at=timestamp(terms.start_at),
        end_at=timestamp(terms.scheduled_end_at),
        timestamp=timestamp(event.at),
    )
