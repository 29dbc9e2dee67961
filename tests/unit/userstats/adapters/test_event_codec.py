"""Message bodies as events: what is good is read, what is not goes alone, and nothing is ever raised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavel.contracts.events.v1 import auction_events_pb as pb
from gavel.userstats.adapters.event_codec import BODY_BYTES_MAX, EventBatchReader
from gavel.userstats.domain.events import BidPlaced, ItemSold, NothingToCount
from gavel.userstats.domain.ids import EventId
from gavel.userstats.ports import DeadLetter
from tests.unit.userstats.messages import (
    ANNA,
    BELA,
    SELLER,
    VASE,
    after,
    bid,
    body,
    cancelled,
    closed,
    extended,
    listed,
)
from tests.unit.userstats.poison import GARBAGE, POISON, Poison, length_delimited

READER = EventBatchReader()
A_BID = bid(ANNA, 1_000, seq=2, at=after(1.000_001))
ANOTHER_BID = bid(BELA, 1_100, seq=3)


def test_a_bid_is_read_to_the_microsecond() -> None:
    [event] = READER.read(body([A_BID])).events
    assert event == BidPlaced(EventId(A_BID.event_id), after(1.000_001), VASE, ANNA, 1_000)


def test_a_sale_is_read_and_an_unsold_close_has_nothing_to_count() -> None:
    sold, unsold = closed(ANNA, 900, seq=4), closed("", 0, seq=5)
    assert READER.read(body([sold, unsold])).events == [
        ItemSold(EventId(sold.event_id), after(0), VASE, SELLER, ANNA, 900),
        NothingToCount(EventId(unsold.event_id), after(0)),
    ]


@pytest.mark.parametrize(
    "event", [listed(), extended(seq=2), cancelled(seq=3)], ids=["listed", "extended", "cancelled"]
)
def test_other_facts_are_valid_and_have_nothing_to_count(event: pb.Event) -> None:
    read = READER.read(body([event]))
    assert read.events == [NothingToCount(EventId(event.event_id), after(0))]
    assert not read.unreadable


def test_ids_in_upper_case_mean_the_same_rows() -> None:
    shouted = bid(ANNA.upper(), 1_000, seq=2, at=after(1.000_001), item_id=VASE)
    shouted.event_id, shouted.item_id = A_BID.event_id.upper(), VASE.upper()
    assert READER.read(body([shouted])).events == READER.read(body([A_BID])).events


@pytest.mark.parametrize("poison", POISON, ids=lambda poison: poison.name)
def test_a_poisonous_event_goes_alone_with_its_reason(poison: Poison) -> None:
    read = READER.read(body([A_BID]) + poison.body + body([ANOTHER_BID]))
    assert [event.event_id for event in read.events] == [A_BID.event_id, ANOTHER_BID.event_id]
    [letter] = read.unreadable
    assert letter.body == poison.body
    assert poison.reason in letter.reason


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_a_body_that_can_not_be_split_into_events_is_dead_lettered_whole(garbage: bytes) -> None:
    read = READER.read(garbage)
    assert not read.events
    [letter] = read.unreadable
    assert letter.body == garbage
    assert letter.reason


def test_a_body_beyond_the_bound_goes_whole() -> None:
    huge = body([A_BID]) + bytes(BODY_BYTES_MAX)
    assert READER.read(huge).unreadable == [
        DeadLetter(huge, f"the body has {len(huge)} bytes, more than {BODY_BYTES_MAX}")
    ]


def test_fields_of_a_later_contract_are_ignored() -> None:
    later = length_delimited(1, A_BID.to_binary() + length_delimited(15, b"new")) + length_delimited(2, b"newer")
    assert READER.read(later).events == READER.read(body([A_BID])).events


def test_a_bad_event_beside_fields_of_a_later_contract_goes_alone() -> None:
    newer = length_delimited(2, b"newer") + b"\x1b\x1c"
    read = READER.read(newer + body([A_BID]) + POISON[0].body + newer)
    assert [event.event_id for event in read.events] == [A_BID.event_id]
    assert [letter.body for letter in read.unreadable] == [POISON[0].body]


UNPARSABLE = length_delimited(1, b"\xff\xff\xff")


@pytest.mark.parametrize("beside", [POISON[0].body, UNPARSABLE, length_delimited(2, b"newer")])
def test_cutting_gives_the_named_events_with_all_that_came_in_them(beside: bytes) -> None:
    later = length_delimited(1, A_BID.to_binary() + length_delimited(15, b"new"))
    whole = later + beside + body([ANOTHER_BID])
    first, second = EventId(A_BID.event_id), EventId(ANOTHER_BID.event_id)
    assert READER.cut(whole, {first}) == {first: later}
    assert READER.cut(whole, {first, second}) == {first: later, second: body([ANOTHER_BID])}
    assert READER.cut(whole, ()) == {}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_nothing_is_cut_from_garbage(garbage: bytes) -> None:
    assert READER.cut(garbage, {EventId(A_BID.event_id)}) == {}


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_events_or_dead_letters(some: bytes) -> None:
    read = READER.read(some)
    assert read.events or read.unreadable


@given(st.data())
def test_an_event_with_one_byte_changed_takes_no_other_with_it(data: st.DataObject) -> None:
    first, second = body([A_BID]), body([ANOTHER_BID])
    frame = 3
    position = data.draw(st.integers(frame, len(second) - 1))
    changed = bytearray(second)
    changed[position] = data.draw(st.integers(0, 255))
    read = READER.read(first + bytes(changed))
    assert len(read.events) + len(read.unreadable) == 2
    assert any(event.event_id == A_BID.event_id for event in read.events)
