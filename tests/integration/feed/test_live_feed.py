"""The parts of the feed, run by hand: heartbeats, deadlines, and bounds."""

import asyncio

import pytest

from gavel.bids.adapters.postgres.feed.feed_log import PostgresFeedLog
from gavel.bids.domain.auction import ItemId
from gavel.bids.feed import item_channel, live_feed
from gavel.bids.feed.live_feed import COMPARE_SECONDS, HEARTBEAT_SECONDS, LEAVE_SECONDS_MAX, SWEEP_SECONDS, LiveFeed
from gavel.bids.feed.watch_items import watch_items
from gavel.bids.ports.book import Overloaded
from gavel.bids.ports.feed import FeedStopping, StreamDeadline, WatcherTooSlow
from tests.auction_house import House, open_house
from tests.unit.bids.feed.watchers import ReadingWatcher

pytestmark = pytest.mark.integration


@pytest.fixture
def log(house: House) -> PostgresFeedLog:
    return PostgresFeedLog(house.pool)


class Clock:
    """The event loop's clock, which a test can put forward."""

    def __init__(self) -> None:
        self._ahead_seconds = 0.0

    def __call__(self) -> float:
        return now() + self._ahead_seconds

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self._ahead_seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def feed(log: PostgresFeedLog, clock: Clock) -> LiveFeed:
    """A feed whose loops do not run."""
    return LiveFeed(log, clock)


async def watched(feed: LiveFeed, log: PostgresFeedLog, wanted: dict[ItemId, int]) -> ReadingWatcher:
    """A watcher who has been let in."""
    watcher = ReadingWatcher()

    async def opened() -> ReadingWatcher:
        return watcher

    await watch_items(feed, log, wanted, opened)
    return watcher


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_heartbeat_comes_when_nothing_else_was_sent_for_fifteen_seconds(
    feed: LiveFeed, log: PostgresFeedLog, house: House
) -> None:
    item_id = await house.list_item()
    quiet, lively = [await watched(feed, log, {item_id: 0}) for _ in range(2)]
    quiet.sent_seconds = now() - HEARTBEAT_SECONDS + SWEEP_SECONDS
    lively.sent_seconds = now() - HEARTBEAT_SECONDS / 2
    await feed.sweep()
    await feed.sweep()
    assert quiet.sent == "snapshot 1;heartbeat;"
    assert lively.sent == "snapshot 1;"


async def test_a_watcher_is_ended_when_the_time_that_it_asked_for_is_over(
    feed: LiveFeed, log: PostgresFeedLog, house: House
) -> None:
    item_id = await house.list_item()
    one, other = [await watched(feed, log, {item_id: 0}) for _ in range(2)]
    one.deadline_seconds = now()
    await feed.sweep()
    assert isinstance(one.ended, StreamDeadline)
    assert other.ended is None


async def test_who_does_not_read_is_ended_alone_and_cut_off_later(
    feed: LiveFeed, clock: Clock, log: PostgresFeedLog, house: House
) -> None:
    item_id = await house.list_item()
    stuck, reading = [await watched(feed, log, {item_id: 0}) for _ in range(2)]
    stuck.reads = False
    await house.bid(item_id, 5)
    assert not await feed.fill()
    assert await feed.send_next()
    assert isinstance(stuck.ended, WatcherTooSlow)
    assert reading.sent == "snapshot 1;event 2;"
    assert (feed.slow_watchers_ended, feed.watcher_count) == (1, 1)
    await feed.sweep()
    assert not stuck.aborted
    clock.pass_by(LEAVE_SECONDS_MAX)
    await feed.sweep()
    assert stuck.aborted


async def test_all_that_waits_goes_out_in_one_write(feed: LiveFeed, log: PostgresFeedLog, house: House) -> None:
    item_id = await house.list_item()
    watcher = await watched(feed, log, {item_id: 0})
    for amount in range(1, 6):
        await house.bid(item_id, amount)
    await feed.fill()
    assert await feed.send_next()
    assert watcher.sent == "snapshot 1;event 2;event 3;event 4;event 5;event 6;"
    assert not await feed.send_next()
    assert (feed.events_sent, feed.gaps_filled, feed.snapshots, feed.resumes) == (5, 5, 1, 0)


async def test_more_than_one_reading_is_filled_in_several(
    feed: LiveFeed, log: PostgresFeedLog, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_feed, "FILL_EVENTS_MAX", 3)
    item_id = await house.list_item()
    watcher = await watched(feed, log, {item_id: 1})
    for amount in range(1, 8):
        await house.bid(item_id, amount)
    fills = 0
    while await feed.fill():
        fills += 1
    while await feed.send_next():
        pass
    assert fills == 2
    assert watcher.sent == "heartbeat;" + "".join(f"event {seq};" for seq in range(2, 9))


async def test_a_gap_before_more_than_may_wait_is_filled(
    feed: LiveFeed, clock: Clock, log: PostgresFeedLog, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_channel, "WAITING_EVENTS_MAX", 5)
    item_id = await house.list_item()
    watcher = await watched(feed, log, {item_id: 1})
    for amount in range(1, 9):
        await house.bid(item_id, amount)
    # All but the first has come, and there is room for no more.
    feed.take(await log.after({item_id: 2}, 100))
    for _ in range(3):
        await feed.fill()
        while await feed.send_next():
            pass
        clock.pass_by(COMPARE_SECONDS)
    assert watcher.sent == "heartbeat;" + "".join(f"event {seq};" for seq in range(2, 10))


async def test_no_more_watch_than_the_process_has_room_for(
    feed: LiveFeed, log: PostgresFeedLog, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [await house.list_item() for _ in range(3)]
    monkeypatch.setattr(live_feed, "WATCHED_ITEMS_MAX", 2)
    await watched(feed, log, {items[0]: 0, items[1]: 0})
    with pytest.raises(Overloaded):
        await watched(feed, log, {items[2]: 0})
    monkeypatch.setattr(live_feed, "WATCHERS_MAX", 2)
    await watched(feed, log, {items[0]: 0})
    with pytest.raises(Overloaded):
        await watched(feed, log, {items[0]: 0})
    assert (feed.watcher_count, feed.item_count) == (2, 2)


async def test_a_feed_that_stops_admits_no_watcher(feed: LiveFeed, log: PostgresFeedLog, house: House) -> None:
    item_id = await house.list_item()
    watcher = await watched(feed, log, {item_id: 0})
    feed.stop()
    assert isinstance(watcher.ended, FeedStopping)
    with pytest.raises(FeedStopping):
        await watched(feed, log, {item_id: 0})


async def test_a_watcher_that_has_read_further_than_the_channel_gets_nothing_twice(
    feed: LiveFeed, log: PostgresFeedLog, house: House
) -> None:
    item_id = await house.list_item()
    early = await watched(feed, log, {item_id: 0})
    async with open_house(house.url) as silent:
        await silent.bid(item_id, 1)
        await silent.bid(item_id, 2)
    late = await watched(feed, log, {item_id: 0})
    await house.bid(item_id, 3)
    await feed.fill()
    while await feed.send_next():
        pass
    assert early.sent == "snapshot 1;event 2;event 3;event 4;"
    assert late.sent == "snapshot 3;event 4;"
