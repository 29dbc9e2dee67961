"""Events as bytes: the published contract, to the letter."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavel.bids.adapters.postgres.outbox.event_codec import ROUTING_KEYS, RecordedEvent, outbox_messages
from gavel.bids.domain.events import AuctionCancelled, AuctionClosed, AuctionExtended, BidPlaced, Event, ItemListed
from gavel.bids.domain.increments import AMOUNT_MAX
from gavel.contracts.events.v1 import auction_events_pb as pb
from gavel.runtime.timestamps import timestamp
from tests.unit.bids.adapters.golden_events import BODIES, MEANINGS
from tests.unit.bids.auctions import ANNA, BELA, END, ITEM, MICROSECOND, START, bid, led_by, listed, seconds

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NOON = START + seconds(0.123456)
TERMS = listed(reserve_price=9_999, buy_now_price=20_000).terms

EVENTS: dict[str, list[Event]] = {
    "item.listed": [ItemListed(ITEM, 1, NOON, "A vase, blue \u2013 \u82b1\u74f6")],
    "bid.placed": [
        BidPlaced(ITEM, 2, NOON, ANNA, 1_000, 5_000, False, None, 1, 1_100, END),
        BidPlaced(ITEM, 3, NOON, BELA, 2_000, 2_000, False, ANNA, 2, 2_100, END),
        BidPlaced(ITEM, 4, NOON, ANNA, 2_100, 5_000, True, BELA, 3, 2_200, END),
    ],
    "auction.extended": [AuctionExtended(ITEM, 5, NOON, END + seconds(59))],
    "auction.closed": [
        AuctionClosed(ITEM, 6, END + seconds(59), sold=True, winner_id=ANNA, amount=2_100),
        AuctionClosed(ITEM, 6, END + seconds(59), sold=False, winner_id=None, amount=0),
    ],
    "auction.cancelled": [AuctionCancelled(ITEM, 2, NOON)],
}


def _recorded(events: list[Event]) -> list[RecordedEvent]:
    return [RecordedEvent(event, TERMS, "" if isinstance(event, AuctionClosed) else TRACE) for event in events]


@pytest.mark.parametrize("routing_key", BODIES)
def test_bytes_of_an_earlier_release_decode_to_the_same_event(routing_key: str) -> None:
    batch = pb.EventBatch.from_binary(BODIES[routing_key])
    assert json.loads(batch.to_json())["events"] == MEANINGS[routing_key]


@pytest.mark.parametrize("routing_key", BODIES)
def test_todays_events_make_yesterdays_bytes(routing_key: str) -> None:
    [message] = outbox_messages(_recorded(EVENTS[routing_key]))
    assert (message.routing_key, message.event_count) == (routing_key, len(EVENTS[routing_key]))
    assert message.body.hex() == BODIES[routing_key].hex()


def test_a_reader_ignores_fields_that_it_does_not_know() -> None:
    unknown_field_99 = b"\x9a\x06\x05hello"
    batch = pb.EventBatch.from_binary(BODIES["bid.placed"] + unknown_field_99)
    assert json.loads(batch.to_json())["events"] == MEANINGS["bid.placed"]


def test_every_kind_of_event_has_a_routing_key_and_golden_bytes() -> None:
    assert set(ROUTING_KEYS.values()) == set(BODIES) == set(EVENTS) == set(MEANINGS)
    assert {type(event) for events in EVENTS.values() for event in events} == set(ROUTING_KEYS)


def test_events_are_grouped_by_routing_key_in_order_of_appearance() -> None:
    decided = bid(led_by(ANNA, 1_000, 2_000, on=listed()), BELA, 1_100, at=END - seconds(1)).events
    messages = outbox_messages([*_recorded(list(decided)), *_recorded(EVENTS["auction.cancelled"] * 2)])
    assert [(message.routing_key, message.event_count) for message in messages] == [
        ("bid.placed", 2),
        ("auction.extended", 1),
        ("auction.cancelled", 2),
    ]
    [bids, extended, _] = [pb.EventBatch.from_binary(message.body).events for message in messages]
    assert [event.seq for event in (*bids, *extended)] == [3, 4, 5]


def test_nothing_makes_no_message() -> None:
    assert outbox_messages([]) == []


@given(st.integers(1, AMOUNT_MAX), st.integers(1, AMOUNT_MAX))
def test_no_byte_depends_on_a_maximum_or_a_reserve(maximum: int, reserve: int) -> None:
    for events in EVENTS.values():
        told = outbox_messages(_recorded(events))
        other_terms = TERMS._replace(reserve_price=reserve)
        hidden = [event._replace(maximum=maximum) if isinstance(event, BidPlaced) else event for event in events]
        kept = [each._replace(terms=other_terms) for each in _recorded(hidden)]
        assert outbox_messages(kept) == told


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - naive bounds
def test_a_time_is_exact_to_the_microsecond(at: datetime) -> None:
    told = timestamp(at)
    assert 0 <= told.nanos < 10**9
    assert datetime.fromtimestamp(0, UTC) + seconds(1) * told.seconds + MICROSECOND * (told.nanos // 1_000) == at
