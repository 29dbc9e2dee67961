"""Watch items: send a watcher snapshots or missed events, then hand it to the live feed."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.feed_events import FeedEvent
from gavel.bids.domain.refusals import InvalidInput, ItemNotFound
from gavel.bids.feed.live_feed import LiveFeed
from gavel.bids.ports.catalogue import ItemView
from gavel.bids.ports.feed import EventLog, Watcher, WatcherTooSlow

ITEMS_OF_A_WATCHER_MAX = 100
# A watcher that is further behind is sent a snapshot instead of the events.
EVENTS_BEHIND_MAX = 1_000
# For all items together, in one reading: the next one waits until the watcher has read these.
READ_EVENTS_MAX = 1_000
# Snapshots in one reading: an item may have 200 KB of texts.
READ_SNAPSHOTS_MAX = 10
# One write to a watcher that is still joining.
PART_BYTES_MAX = 32 * 1024
TAKE_SECONDS_MAX = 10.0
# About what an event takes in memory.
EVENT_BYTES = 500


def check_watched(item_ids: Collection[ItemId]) -> None:
    """Raise InvalidInput unless these are 1 to ITEMS_OF_A_WATCHER_MAX different items."""
    if not 1 <= len(item_ids) <= ITEMS_OF_A_WATCHER_MAX:
        raise InvalidInput("items", f"must be 1 to {ITEMS_OF_A_WATCHER_MAX}")
    if len(set(item_ids)) < len(item_ids):
        raise InvalidInput("items", "name an item twice")


async def watch_items(
    feed: LiveFeed, log: EventLog, wanted: Mapping[ItemId, int], open_watcher: Callable[[], Awaitable[Watcher]]
) -> None:
    """Admit a watcher to the feed, after the seq that it knows of each item; 0 if it knows none.

    `open_watcher` is called when there is something to send. An error before that is raised (ItemNotFound, Overloaded,
    FeedStopping, Unavailable); a later one ends the watcher. Returns when the feed has taken over.
    """
    seqs = dict(wanted)
    # Before anything is kept for them: made-up items must not take the places of others.
    known, _ = await log.newest(list(seqs))
    for item_id in seqs:
        if item_id not in known:
            raise ItemNotFound(item_id)
    with feed.arriving(seqs) as channels:
        read = await _read(feed, log, seqs)
        watcher = await open_watcher()
        feed.enter(watcher)
        feed.resumes += sum(seq > 0 for seq in wanted.values())
        try:
            while await _send(feed, watcher, read):
                if read.is_all and feed.watch(watcher, channels, list(seqs.values())):
                    break
                read = await _read(feed, log, seqs)
            else:
                feed.gone(watcher)
        except Exception as error:  # noqa: BLE001 - sent to the watcher, mapped by the table or as internal
            feed.end(watcher, error)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Result of one reading; `is_all` is false if there is more."""

    items: list[ItemView]
    at: datetime
    events: list[FeedEvent]
    is_all: bool

    @property
    def bytes_held(self) -> int:
        """About what it takes in memory."""
        texts = (text for item in self.items for text in (item.listing.description, *item.listing.images))
        return sum(map(len, texts)) + EVENT_BYTES * (len(self.items) + len(self.events))


async def _read(feed: LiveFeed, log: EventLog, seqs: dict[ItemId, int]) -> _Reading:
    """Read what follows these seqs, and advance them. Raises ItemNotFound or Unavailable."""
    resumed = [item_id for item_id, seq in seqs.items() if seq]
    newest: Mapping[ItemId, int] = {}
    at: datetime | None = None
    if resumed:
        newest, at = await log.newest(resumed)
    behind = {item_id: newest[item_id] - seqs[item_id] for item_id in resumed if item_id in newest}
    near = {item_id for item_id, events in behind.items() if 0 <= events <= EVENTS_BEHIND_MAX}
    all_anew = [item_id for item_id in seqs if item_id not in near]
    anew = all_anew[:READ_SNAPSHOTS_MAX]
    items, at = await log.snapshots(anew) if anew or at is None else ([], at)
    events: list[FeedEvent] = []
    if missed := {item_id: seqs[item_id] for item_id in near if behind[item_id]}:
        async with feed.readers:
            events = await log.after(missed, READ_EVENTS_MAX)
    feed.set_clock(at)
    feed.snapshots += len(items)
    shown = {item.auction.item_id: item.auction.seq for item in items}
    for item_id in anew:
        if item_id not in shown:
            raise ItemNotFound(item_id)
    seqs |= shown
    seqs |= {event.item_id: event.seq for event in events}
    return _Reading(items, at, events, len(events) < READ_EVENTS_MAX and len(anew) == len(all_anew))


async def _send(feed: LiveFeed, watcher: Watcher, read: _Reading) -> bool:
    """Send what was read, no faster than the watcher reads, or a heartbeat; whether the watcher is still there.

    A frame is encoded when those before it were read. Raises Overloaded if joining watchers hold too much.
    """
    with feed.holding(read.bytes_held):
        part: list[bytes] = []
        for frame in _frames(watcher, read):
            part.append(frame)
            if sum(map(len, part)) >= PART_BYTES_MAX:
                feed.write(watcher, b"".join(part))
                part.clear()
                if not await _taken(watcher):
                    return False
        feed.write(watcher, b"".join(part))
        return await _taken(watcher)


def _frames(watcher: Watcher, read: _Reading) -> Iterator[bytes]:
    frames = watcher.frames
    for item in read.items:
        yield frames.snapshot(item, read.at)
    for event in read.events:
        yield frames.event(event, read.at)
    if not read.items and not read.events:
        yield frames.heartbeat(read.at)


async def _taken(watcher: Watcher) -> bool:
    """Wait until the watcher has read most of what was sent; whether it is still there. Raises WatcherTooSlow."""
    try:
        async with asyncio.timeout(TAKE_SECONDS_MAX):
            return await watcher.drained()
    except TimeoutError:
        raise WatcherTooSlow from None
