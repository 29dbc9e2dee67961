"""What the live feed needs: the event log, watchers and their encodings."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gavel.bids.domain.feed_events import FeedEvent
from gavel.bids.domain.ids import ItemId
from gavel.bids.ports.catalogue import ItemView


class WatcherTooSlow(Exception):
    """What a watcher was sent has not been taken, and there is no more room for it here."""


class FeedStopping(Exception):
    """The server stops, and its streams with it: come back, and resume."""


class StreamDeadline(Exception):
    """The time that a watcher asked for, or has a right to, is over."""


class FeedListener(Protocol):
    """Who wants to hear of events, from wherever they come. May be told twice, out of order, or never."""

    def wants(self, item_id: ItemId) -> bool:
        """Whether anyone here watches the item: what nobody wants need not be read."""
        ...

    def take(self, events: Sequence[FeedEvent]) -> None:
        """Take note of committed events, and return at once."""
        ...


class EventLog(Protocol):
    """The events of all items as they are committed. Every method raises Unavailable."""

    async def newest(self, item_ids: Collection[ItemId]) -> tuple[Mapping[ItemId, int], datetime]:
        """The seq of each item's newest event, unknown items left out; and the clock."""
        ...

    async def behind(self, seqs: Mapping[ItemId, int]) -> tuple[Mapping[ItemId, int], datetime]:
        """Of these items, those whose newest event has a higher seq than is given here, with it; and the clock."""
        ...

    async def snapshots(self, item_ids: Collection[ItemId]) -> tuple[list[ItemView], datetime]:
        """The items as they are, unknown ones left out; and the clock."""
        ...

    async def after(self, seqs: Mapping[ItemId, int], limit: int) -> list[FeedEvent]:
        """Up to `limit` events after these seqs (at least 1, the listing's), each item's in order without a gap."""
        ...


class Frames(Protocol):
    """How one kind of watcher is told: what is made here is handed to all of them as it is."""

    def event(self, event: FeedEvent, at: datetime) -> bytes:
        """An event, told at `at` by the database's clock."""
        ...

    def snapshot(self, item: ItemView, at: datetime) -> bytes:
        """An item as it was at `at`."""
        ...

    def heartbeat(self, at: datetime) -> bytes:
        """Nothing but a sign of life."""
        ...


class Watcher(Protocol):
    """Someone who watches, at the other end of a connection. `sent_seconds` is when they were last sent something.

    It is to end at `deadline_seconds`; both are on the event loop's clock.
    """

    sent_seconds: float
    deadline_seconds: float

    @property
    def frames(self) -> Frames:
        """How this watcher is told."""
        ...

    def write(self, frames: bytes, now_seconds: float) -> bool:
        """Send without waiting; False where too much waits unread, and nothing was sent. To one that is gone: True."""
        ...

    async def drained(self) -> bool:
        """Wait until more can be written; False where the watcher is gone."""
        ...

    def end(self, reason: Exception) -> None:
        """Say why this is the end, as far as the watcher still reads, and write nothing more."""
        ...

    def abort(self) -> None:
        """Cut the connection, whatever it still holds."""
        ...
