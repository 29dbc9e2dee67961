"""Watchers that join: nothing is kept for items that there are not, and little for watchers that do not read."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from gavel.bids.adapters.connect import watch
from gavel.bids.adapters.connect.watch import WatchLimits
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.feed_events import FeedEvent
from gavel.bids.domain.listing import Draft, Listing
from gavel.bids.domain.refusals import ItemNotFound
from gavel.bids.feed import live_feed
from gavel.bids.feed.live_feed import COMPARE_SECONDS, LiveFeed
from gavel.bids.feed.watch_items import READ_SNAPSHOTS_MAX, watch_items
from gavel.bids.ports.book import Overloaded
from gavel.bids.ports.catalogue import ItemView
from gavel.runtime.http.calls import Actor, Authenticated, Call
from gavel.runtime.http.connect.errors import RetryLater
from tests.auction_house import SELLER, BookWords, new_user
from tests.calls import new_call
from tests.unit.bids.feed.watchers import PlainFrames, ReadingWatcher
from tests.unit.bids.memory_book import MemoryAuctionBook, MemoryItemCatalogue

DESCRIPTION = "x" * 10_000
AT = datetime.now(UTC)


class MemoryLog:
    """EventLog of items without events. `readings` are the numbers of snapshots that were read at a time."""

    def __init__(self, views: Mapping[ItemId, ItemView]) -> None:
        self.views = views
        self.readings: list[int] = []
        self.compared: list[int] = []
        # Called at each reading.
        self.asked: Callable[[], None] = lambda: None

    async def newest(self, item_ids: Collection[ItemId]) -> tuple[Mapping[ItemId, int], datetime]:
        self.asked()
        return {item_id: 1 for item_id in item_ids if item_id in self.views}, AT

    async def behind(self, seqs: Mapping[ItemId, int]) -> tuple[Mapping[ItemId, int], datetime]:
        self.compared.append(len(seqs))
        return {}, AT

    async def snapshots(self, item_ids: Collection[ItemId]) -> tuple[list[ItemView], datetime]:
        self.asked()
        self.readings.append(len(item_ids))
        return [self.views[item_id] for item_id in item_ids if item_id in self.views], AT

    async def after(self, seqs: Mapping[ItemId, int], limit: int) -> list[FeedEvent]:
        return []


class LargeFrames(PlainFrames):
    """Frames as large as their items, which are counted."""

    def __init__(self) -> None:
        self.encoded = 0

    def snapshot(self, item: ItemView, at: datetime) -> bytes:
        self.encoded += 1
        return item.listing.description.encode()


class SlowWatcher(ReadingWatcher):
    """Watcher that has read nothing until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.frames = LargeFrames()
        self.is_full = asyncio.Event()
        self.may_read = asyncio.Event()

    async def drained(self) -> bool:
        self.is_full.set()
        await self.may_read.wait()
        return self.ended is None


@pytest.fixture
async def log() -> MemoryLog:
    memory = MemoryAuctionBook()
    book, catalogue = BookWords(memory), MemoryItemCatalogue(memory)
    views: dict[ItemId, ItemView] = {}
    for _ in range(100):
        listing = Listing(title="A lot", description=DESCRIPTION)
        draft = Draft(seller_id=SELLER, listing=listing, end_at=AT + timedelta(hours=1), start_price=1)
        item_id = (await book.list_draft(draft)).auction.item_id
        views[item_id], _ = await catalogue.item(item_id)
    return MemoryLog(views)


@pytest.fixture
async def feed(log: MemoryLog) -> LiveFeed:
    return LiveFeed(log)


async def _join(feed: LiveFeed, log: MemoryLog, items: Collection[ItemId], watcher: ReadingWatcher) -> None:
    async def opened() -> ReadingWatcher:
        return watcher

    await watch_items(feed, log, dict.fromkeys(items, 0), opened)


async def test_items_that_are_made_up_take_no_place_while_they_are_looked_for(feed: LiveFeed, log: MemoryLog) -> None:
    counts: list[int] = []
    log.asked = lambda: counts.append(feed.item_count)
    with pytest.raises(ItemNotFound):
        await _join(feed, log, [ItemId(str(uuid4())) for _ in range(100)], ReadingWatcher())
    assert set(counts) == {0}


async def test_a_watcher_that_does_not_read_costs_a_few_snapshots_and_gets_the_rest_as_it_reads(
    feed: LiveFeed, log: MemoryLog
) -> None:
    watcher = SlowWatcher()
    joining = asyncio.create_task(_join(feed, log, log.views, watcher))
    await watcher.is_full.wait()
    assert watcher.frames.encoded <= 4
    assert log.readings == [READ_SNAPSHOTS_MAX]
    watcher.may_read.set()
    await joining
    assert len(watcher.sent) == len(log.views) * len(DESCRIPTION)
    assert max(log.readings) == READ_SNAPSHOTS_MAX


async def test_what_joining_watchers_hold_is_bounded_and_the_next_are_to_come_later(
    feed: LiveFeed, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_feed, "JOINING_BYTES_MAX", int(2.5 * READ_SNAPSHOTS_MAX * len(DESCRIPTION)))
    slow = [SlowWatcher() for _ in range(2)]
    joining = [asyncio.create_task(_join(feed, log, log.views, each)) for each in slow]
    for each in slow:
        await each.is_full.wait()
    late = ReadingWatcher()
    await _join(feed, log, log.views, late)
    assert isinstance(late.ended, Overloaded)
    for each in slow:
        each.may_read.set()
    await asyncio.gather(*joining)
    again = ReadingWatcher()
    await _join(feed, log, log.views, again)
    assert again.ended is None


async def test_all_watched_items_are_compared_with_the_database_some_at_a_time(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_feed, "COMPARED_ITEMS_MAX", 30)
    seconds = 1_000.0
    feed = LiveFeed(log, lambda: seconds)
    await _join(feed, log, log.views, ReadingWatcher())
    for _ in range(5):
        await feed.fill()
    assert log.compared == [30, 30, 30, 10]
    seconds += COMPARE_SECONDS
    await feed.fill()
    assert log.compared[4:] == [30]


def _call_of(address_key: str | None, user_id: str | None) -> Call:
    call = new_call(principal=None if user_id is None else Authenticated(Actor(user_id)))
    call.address_key = address_key
    return call


async def test_the_items_that_one_address_and_one_user_watch_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "ADDRESS_WATCHED_ITEMS_MAX", 5)
    monkeypatch.setattr(watch, "USER_WATCHED_ITEMS_MAX", 3)
    limits, one, other = WatchLimits(), new_user(), new_user()
    give_back = limits.take(_call_of("192.0.2.1", one), 3)
    with pytest.raises(RetryLater, match="one user"):
        limits.take(_call_of("192.0.2.2", one), 1)
    limits.take(_call_of("192.0.2.1", other), 2)
    with pytest.raises(RetryLater, match="one address"):
        limits.take(_call_of("192.0.2.1", None), 1)
    # An exempt address and a caller without a token are not counted.
    limits.take(_call_of(None, None), 100)
    give_back()
    give_back()
    limits.take(_call_of("192.0.2.1", one), 3)
    with pytest.raises(RetryLater, match="one address"):
        limits.take(_call_of("192.0.2.1", None), 1)
