"""Live feed of one process: takes events in any order, and sends each watcher every event once and in order."""

import asyncio
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.feed_events import FeedEvent
from gavel.bids.feed.item_channel import ItemChannel
from gavel.bids.ports.book import Overloaded
from gavel.bids.ports.feed import EventLog, FeedStopping, Frames, StreamDeadline, Watcher, WatcherTooSlow

WATCHERS_MAX = 12_000
# About 1 KB of memory each.
WATCHED_ITEMS_MAX = 100_000
# Compared with the database at once. Each watched item is compared every COMPARE_SECONDS, or as soon as its turn comes.
COMPARED_ITEMS_MAX = 10_000
# What was read for joining watchers and is not sent yet: they may be slow, and an item may have 200 KB of texts.
JOINING_BYTES_MAX = 64 * 1024 * 1024
# Under load events are grouped: one write for all that came during the previous send.
EVENTS_AT_ONCE_MAX = 64
# Then bids get the event loop. A bid in progress waits for this at each of its five or six turns.
WATCHERS_AT_ONCE_MAX = 16
FILL_EVENTS_MAX = 1_000
# A joining watcher reads events from the database, which serves other requests too.
READERS_AT_ONCE_MAX = 2
RETRY_AFTER_SECONDS = 2.0

HEARTBEAT_SECONDS = 15.0
SWEEP_SECONDS = 0.5
COMPARE_SECONDS = 1.0
FILL_IDLE_SECONDS = 0.25
# An event out of order has mostly overtaken one of another process, which soon arrives by itself.
REORDER_SECONDS = 0.1
# A watcher that does not read its last frames is cut off after this.
LEAVE_SECONDS_MAX = 5.0


class LiveFeed:
    """FeedListener that all watchers of this process share. Its parts `send_next`, `fill` and `sweep` run as loops.

    `events_sent` counts events, not deliveries to watchers; `gaps_filled` those that had to be read from the log.
    """

    def __init__(self, log: EventLog, clock: Callable[[], float] | None = None) -> None:
        """`clock` is the event loop's, in seconds, unless a test replaces it."""
        self._log = log
        self._seconds = clock or asyncio.get_running_loop().time
        self._channels: dict[ItemId, ItemChannel] = {}
        self._watchers: dict[Watcher, tuple[ItemChannel, ...]] = {}
        self._leaving: dict[Watcher, float] = {}
        # Channels with events to send, in the order in which these came.
        self._to_send: dict[ItemChannel, None] = {}
        self._gaps: set[ItemChannel] = set()
        self._compare_at_seconds = 0.0
        # Items of the current comparison that are still to be compared.
        self._to_compare: list[ItemId] = []
        self._joining_bytes = 0
        self._clock: tuple[datetime, float] | None = None
        self._stopping = False
        self.readers = asyncio.Semaphore(READERS_AT_ONCE_MAX)
        self.send_wake = asyncio.Event()
        self.fill_wake = asyncio.Event()
        self.watchers_seen = 0
        self.resumes = 0
        self.snapshots = 0
        self.events_sent = 0
        self.gaps_filled = 0
        self.slow_watchers_ended = 0

    @property
    def watchers(self) -> Collection[Watcher]:
        """The current watchers."""
        return self._watchers.keys()

    @property
    def leaving_count(self) -> int:
        """The number of ended watchers whose connection is still open."""
        return len(self._leaving)

    @property
    def watcher_count(self) -> int:
        """The number of current watchers."""
        return len(self._watchers)

    @property
    def item_count(self) -> int:
        """The number of items watched now."""
        return len(self._channels)

    def wants(self, item_id: ItemId) -> bool:
        """See FeedListener.wants."""
        return item_id in self._channels

    def take(self, events: Sequence[FeedEvent]) -> None:
        """See FeedListener.take."""
        for event in events:
            channel = self._channels.get(event.item_id)
            if channel is not None and channel.put(event):
                self._schedule_send(channel)

    def now(self, now_seconds: float) -> datetime:
        """Estimate the database's clock from its last reading. Raises RuntimeError before the first."""
        if self._clock is None:
            raise RuntimeError("the database's clock is not known yet")
        at, seen_seconds = self._clock
        return at + timedelta(seconds=now_seconds - seen_seconds)

    def set_clock(self, at: datetime) -> None:
        """Note a reading of the database's clock."""
        self._clock = (at, self._seconds())

    @contextmanager
    def arriving(self, item_ids: Iterable[ItemId]) -> Generator[tuple[ItemChannel, ...]]:
        """Keep the events of these items that are sent from now on, for a watcher that is joining.

        Raises FeedStopping, or Overloaded if there are too many watchers or watched items.
        """
        if self._stopping:
            raise FeedStopping
        wanted = tuple(item_ids)
        new = sum(item_id not in self._channels for item_id in wanted)
        if len(self._watchers) >= WATCHERS_MAX or len(self._channels) + new > WATCHED_ITEMS_MAX:
            raise Overloaded(RETRY_AFTER_SECONDS, "too many watch already")
        channels = tuple(self._channels.setdefault(item_id, ItemChannel(item_id)) for item_id in wanted)
        for channel in channels:
            channel.arriving += 1
        try:
            yield channels
        finally:
            for channel in channels:
                channel.let_go()
                self._drop_deserted(channel)

    @contextmanager
    def holding(self, count: int) -> Generator[None]:
        """Hold so many bytes for a joining watcher inside the context. Raises Overloaded if all hold too many."""
        if self._joining_bytes + count > JOINING_BYTES_MAX:
            raise Overloaded(RETRY_AFTER_SECONDS, "too many begin to watch")
        self._joining_bytes += count
        try:
            yield
        finally:
            self._joining_bytes -= count

    def enter(self, watcher: Watcher) -> None:
        """Register the watcher, without any item yet."""
        self._watchers[watcher] = ()
        self.watchers_seen += 1
        if self._stopping:
            self.end(watcher, FeedStopping())

    def watch(self, watcher: Watcher, channels: Sequence[ItemChannel], seqs: Sequence[int]) -> bool:
        """Send the watcher all events after these seqs; False if it must read further first, or is gone."""
        places = list(zip(channels, seqs, strict=True))
        missed: list[FeedEvent] = []
        for channel, seq in places:
            events = channel.missed(seq)
            if events is None or watcher not in self._watchers:
                return False
            missed += events
        for channel, seq in places:
            channel.admit(watcher, seq)
            if channel.has_next:
                self._schedule_send(channel)
        self._watchers[watcher] = tuple(channels)
        self.send(watcher, missed)
        return True

    def send(self, watcher: Watcher, events: Iterable[FeedEvent]) -> None:
        """Send these events to one watcher alone."""
        at = self.now(self._seconds())
        self.write(watcher, b"".join(watcher.frames.event(event, at) for event in events))

    def write(self, watcher: Watcher, data: bytes) -> None:
        """Send these frames, if any, to one watcher alone."""
        if data and not watcher.write(data, self._seconds()):
            self._end_slow(watcher)

    def end(self, watcher: Watcher, reason: Exception) -> None:
        """End a watcher with a reason; its connection is cut off after LEAVE_SECONDS_MAX, read or not."""
        self._forget(watcher)
        self._leaving[watcher] = self._seconds() + LEAVE_SECONDS_MAX
        watcher.end(reason)

    def gone(self, watcher: Watcher) -> None:
        """Forget a watcher whose connection is closed."""
        self._leaving.pop(watcher, None)
        self._forget(watcher)

    def stop(self) -> None:
        """End all watchers with FeedStopping, and admit no more."""
        self._stopping = True
        for watcher in list(self._watchers):
            self.end(watcher, FeedStopping())

    async def send_next(self) -> bool:
        """Send the watchers of one item the events that are next in order; whether there was such an item."""
        channel = next(iter(self._to_send), None)
        if channel is None:
            return False
        del self._to_send[channel]
        recipients = [(frames, list(watchers)) for frames, watchers in channel.watchers.items()]
        events = channel.next_events(EVENTS_AT_ONCE_MAX)
        ahead = channel.overtake()
        if channel.has_next:
            self._schedule_send(channel)
        elif channel.has_gap:
            self._schedule_fill(channel)
        if not events:
            return True
        self.events_sent += len(events)
        for watcher, seq in ahead:
            self.send(watcher, (event for event in events if event.seq > seq))
        now_seconds = self._seconds()
        at = self.now(now_seconds)
        for frames, watchers in recipients:
            data = b"".join(frames.event(event, at) for event in events)
            await self._write_all(watchers, data, now_seconds)
        return True

    async def fill(self) -> bool:
        """Read missing events from the log; whether there are more. Raises Unavailable.

        An event that has come shows a gap before it. Nothing shows the loss of an item's last event, so once a second
        all watched items are compared with the database.
        """
        now_seconds = self._seconds()
        if not self._to_compare and now_seconds >= self._compare_at_seconds:
            self._to_compare = list(self._channels)
            self._compare_at_seconds = now_seconds + COMPARE_SECONDS
        channels = set(self._gaps)
        compared, self._to_compare = self._to_compare[:COMPARED_ITEMS_MAX], self._to_compare[COMPARED_ITEMS_MAX:]
        channels.update(self._channels[item_id] for item_id in compared if item_id in self._channels)
        # A full channel with a gap is read too, and drops its latest events: else what waits would never be released.
        readable = (each for each in channels if each.seq is not None and (each.has_room or each.has_gap))
        seqs = {each.item_id: each.known_seq for each in readable}
        self._gaps.clear()
        if not seqs:
            return False
        behind, at = await self._log.behind(seqs)
        self.set_clock(at)
        if not behind:
            return False
        events = await self._log.after({item_id: seqs[item_id] for item_id in behind}, FILL_EVENTS_MAX)
        news = 0
        for event in events:
            channel = self._channels.get(event.item_id)
            if channel is not None and channel.put(event):
                news += 1
                self._schedule_send(channel)
        self.gaps_filled += news
        if not news or len(events) < FILL_EVENTS_MAX:
            return False
        self._compare_at_seconds = 0.0
        return True

    async def sweep(self) -> bool:
        """Send heartbeats to idle watchers, and end those past their deadline. Always False: no work is left."""
        now_seconds = self._seconds()
        for watcher in [each for each, until_seconds in self._leaving.items() if now_seconds >= until_seconds]:
            del self._leaving[watcher]
            watcher.abort()
        for watcher in [each for each in self._watchers if now_seconds >= each.deadline_seconds]:
            self.end(watcher, StreamDeadline())
        quiet_since_seconds = now_seconds - HEARTBEAT_SECONDS + SWEEP_SECONDS
        quiet: dict[Frames, list[Watcher]] = {}
        for watcher in self._watchers:
            if watcher.sent_seconds <= quiet_since_seconds:
                quiet.setdefault(watcher.frames, []).append(watcher)
        for frames, watchers in quiet.items():
            await self._write_all(watchers, frames.heartbeat(self.now(now_seconds)), now_seconds)
        return False

    def _schedule_send(self, channel: ItemChannel) -> None:
        self._to_send[channel] = None
        self.send_wake.set()

    def _schedule_fill(self, channel: ItemChannel) -> None:
        if not self._gaps:
            asyncio.get_running_loop().call_later(REORDER_SECONDS, self.fill_wake.set)
        self._gaps.add(channel)

    async def _write_all(self, watchers: Sequence[Watcher], data: bytes, now_seconds: float) -> None:
        for start in range(0, len(watchers), WATCHERS_AT_ONCE_MAX):
            if start:
                await asyncio.sleep(0)
            for watcher in watchers[start : start + WATCHERS_AT_ONCE_MAX]:
                if not watcher.write(data, now_seconds):
                    self._end_slow(watcher)

    def _end_slow(self, watcher: Watcher) -> None:
        self.slow_watchers_ended += 1
        self.end(watcher, WatcherTooSlow())

    def _forget(self, watcher: Watcher) -> None:
        for channel in self._watchers.pop(watcher, ()):
            channel.leave(watcher)
            self._drop_deserted(channel)

    def _drop_deserted(self, channel: ItemChannel) -> None:
        if channel.is_deserted and self._channels.get(channel.item_id) is channel:
            del self._channels[channel.item_id]
            self._to_send.pop(channel, None)
            self._gaps.discard(channel)
