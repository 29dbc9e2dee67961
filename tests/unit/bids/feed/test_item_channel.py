"""The order of one item's events, whatever order they come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavel.bids.domain.feed_events import FeedEvent, FeedKind
from gavel.bids.feed.item_channel import SENT_EVENTS_MAX, WAITING_EVENTS_MAX, ItemChannel
from tests.unit.bids.auctions import ANNA, END, ITEM, MIDWAY
from tests.unit.bids.feed.watchers import ReadingWatcher

MANY = 10**6


def event(seq: int) -> FeedEvent:
    return FeedEvent(ITEM, seq, MIDWAY, FeedKind.BID_PLACED, seq * 100, seq * 100 + 100, ANNA, END, seq - 1)


def started(seq: int) -> ItemChannel:
    channel = ItemChannel(ITEM)
    channel.admit(ReadingWatcher(), seq)
    return channel


def told(channel: ItemChannel) -> list[int]:
    return [each.seq for each in channel.next_events(MANY)]


@given(st.permutations(range(2, 12)), st.lists(st.integers(1, 11), max_size=8))
def test_in_whatever_order_events_come_each_is_released_once_and_in_order(order: list[int], again: list[int]) -> None:
    channel = started(1)
    seqs: list[int] = []
    for seq in [*order, *again]:
        channel.put(event(seq))
        seqs += told(channel)
    assert seqs == list(range(2, 12))
    assert not channel.has_gap


def test_nothing_is_released_beyond_a_gap() -> None:
    channel = started(1)
    channel.put(event(2))
    channel.put(event(4))
    assert told(channel) == [2]
    assert channel.has_gap
    assert channel.known_seq == 2
    channel.put(event(3))
    assert told(channel) == [3, 4]


def test_no_more_are_released_at_once_than_asked_for() -> None:
    channel = started(1)
    for seq in (2, 3, 4):
        channel.put(event(seq))
    assert len(channel.next_events(2)) == 2
    assert channel.has_next


def test_nothing_is_released_before_the_start_is_known() -> None:
    channel = ItemChannel(ITEM)
    assert channel.put(event(7))
    assert channel.put(event(8))
    assert told(channel) == []
    channel.admit(ReadingWatcher(), 7)
    assert told(channel) == [8]


def test_released_and_waiting_events_are_not_new() -> None:
    channel = started(3)
    assert not channel.put(event(3))
    assert channel.put(event(5))
    assert not channel.put(event(5))


def test_without_room_the_latest_events_are_dropped() -> None:
    channel = started(1)
    for seq in range(3, 3 + WAITING_EVENTS_MAX):
        assert channel.put(event(seq))
    assert not channel.has_room
    assert not channel.put(event(MANY))
    assert channel.put(event(2))
    assert told(channel) == list(range(2, 2 + WAITING_EVENTS_MAX))


def test_a_joining_watcher_gets_the_events_sent_while_it_was_reading() -> None:
    channel = started(1)
    channel.arriving += 1
    channel.put(event(2))
    channel.put(event(3))
    assert told(channel) == [2, 3]
    assert channel.missed(3) == []
    missed = channel.missed(1)
    assert missed is not None
    assert [each.seq for each in missed] == [2, 3]


def test_who_has_read_too_little_must_read_on() -> None:
    channel = started(1)
    channel.put(event(2))
    told(channel)
    channel.arriving += 1
    channel.put(event(3))
    told(channel)
    assert channel.missed(1) is None
    assert channel.missed(2) is not None


def test_what_is_kept_for_those_who_arrive_is_bounded_and_let_go_after_the_last() -> None:
    channel = started(1)
    channel.arriving += 1
    for seq in range(2, 3 + SENT_EVENTS_MAX):
        channel.put(event(seq))
        told(channel)
    assert channel.missed(1) is None
    assert len(channel.missed(2) or ()) == SENT_EVENTS_MAX
    channel.let_go()
    channel.arriving += 1
    assert channel.missed(2) is None


def test_a_watcher_that_is_ahead_gets_only_newer_events() -> None:
    channel = started(1)
    ahead = ReadingWatcher()
    channel.admit(ahead, 3)
    assert ahead not in channel.watchers[ahead.frames]
    channel.put(event(2))
    told(channel)
    assert channel.overtake() == [(ahead, 3)]
    assert channel.ahead == {ahead: 3}
    channel.put(event(3))
    told(channel)
    assert channel.overtake() == [(ahead, 3)]
    assert channel.ahead == {}
    assert ahead in channel.watchers[ahead.frames]


@pytest.mark.parametrize("seq", [1, 5])
def test_a_channel_is_deserted_when_the_last_has_left(seq: int) -> None:
    channel = started(1)
    [[first]] = channel.watchers.values()
    second = ReadingWatcher()
    channel.admit(second, seq)
    channel.leave(first)
    assert not channel.is_deserted
    channel.leave(second)
    assert channel.is_deserted
