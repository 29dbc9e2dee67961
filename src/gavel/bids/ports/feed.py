"""Ports of the live feed: the event log, watchers and their encodings."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.feed_events import FeedEvent
from gavel.bids.ports.catalogue import ItemView


class WatcherTooSlow(Exception):
    """A watcher reads too slowly: its send buffer is full."""


class FeedStopping(Exception):
    """The server is stopping and ends its streams; clients should reconnect and resume."""


class StreamDeadline(Exception):
    """The stream has reached the deadline that its watcher asked for or is allowed."""


class FeedListener(Protocol):
    """Receiver of committed events from any source. Events may come twice, out of order, or never."""

    def wants(self, item_id: ItemId) -> bool:
        """Whether the item has watchers here; events of other items need not be read."""
        ...

    def take(self, events: Sequence[FeedEvent]) -> None:
        """Note committed events, and return at once."""
        ...


class EventLog(Protocol):
    """Committed events of all items. Every method raises Unavailable."""

    async def newest(self, item_ids: Collection[ItemId]) -> tuple[Mapping[ItemId, int], datetime]:
        """The seq of each item's newest event, unknown items left out; and the clock."""
        ...

    async def behind(self, seqs: Mapping[ItemId, int]) -> tuple[Mapping[ItemId, int], datetime]:
        """Those of these items whose newest event has a higher seq than given, with that seq; and the clock."""
        ...

    async def snapshots(self, item_ids: Collection[ItemId]) -> tuple[list[ItemView], datetime]:
        """The items as they are, unknown ones left out; and the clock."""
        ...

    async def after(self, seqs: Mapping[ItemId, int], limit: int) -> list[FeedEvent]:
        """Up to `limit` events after these seqs (at least 1, the listing's), each item's in order without a gap."""
        ...


class Frames(Protocol):
    """Encoder for one kind of watcher. All watchers of that kind are sent the same bytes."""

    def event(self, event: FeedEvent, at: datetime) -> bytes:
        """Encode an event that is sent at `at` by the database's clock."""
        ...

    def snapshot(self, item: ItemView, at: datetime) -> bytes:
        """Encode an item as it was at `at`."""
        ...

    def heartbeat(self, at: datetime) -> bytes:
        """Encode a heartbeat."""
        ...


class Watcher(Protocol):
    """A connected client that watches items. `sent_seconds` is when it was last sent something.

    Its stream ends at `deadline_seconds`; both are on the event loop's clock.
    """

    sent_seconds: float
    deadline_seconds: float

    @property
    def frames(self) -> Frames:
        """The encoder for this watcher."""
        ...

    def write(self, frames: bytes, now_seconds: float) -> bool:
        """Send without waiting; False if too much is unread, and nothing was sent. True if the watcher is gone."""
        ...

    async def drained(self) -> bool:
        """Wait until more can be written; False if the watcher is gone."""
        ...

    def end(self, reason: Exception) -> None:
        """Send the reason if the watcher still reads, and write nothing more."""
        ...

    def abort(self) -> None:
        """Abort the connection and drop unsent data."""
        ...
