"""Ports of the read side, named by role. Adapters guarantee what is written here."""

from collections.abc import AsyncIterable, Awaitable, Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gavel.userstats.domain.events import Event
from gavel.userstats.domain.ids import EventId, UserId
from gavel.userstats.domain.user_stats import UserStats


class Unavailable(Exception):
    """The database or the broker gives no answer, or the outcome of a COMMIT is unknown. Counting again is safe."""


class NotCountable(Exception):
    """The database refuses the content of these events. None of them was counted."""


class RebuildRunning(Exception):
    """Another rebuild is under way; this one changed nothing."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Outcome of counting some events.

    `new` ones were counted now, `duplicates` before (or twice in the same call), and `forgotten` ones not at all:
    they are older than the ids that are still known, so whether they were counted can't be known.
    """

    new: int
    duplicates: int
    forgotten: Sequence[EventId] = ()


@dataclass(frozen=True, slots=True)
class TopPosition:
    """A position in the list of top bidders: the last one seen."""

    amount_won: int
    user_id: UserId


class StatsBook(Protocol):
    """Totals of all users, and the ids of the events that made them."""

    async def count(self, events: Sequence[Event]) -> Counted:
        """Add to the totals every event that was not counted before; each id counts once.

        Atomic: all new events of the call and their ids, or nothing. Any number of callers, in any order.
        Raises NotCountable or Unavailable; after the latter the events may have been counted, and counting them
        again is safe.
        """
        ...

    async def stats_of(self, user_id: UserId) -> UserStats | None:
        """The user's totals; None if no event has named the user. Raises Unavailable."""
        ...

    async def top_bidders(self, after: TopPosition | None, limit: int) -> list[UserStats]:
        """Up to `limit` users who bid, most spent on won items first, by id on a tie. Raises Unavailable."""
        ...

    async def forget(self, older_than: timedelta, limit: int) -> int:
        """Delete up to `limit` ids of events older than this; the number deleted, 0 if none was left.

        Age is relative to the newest event that was counted: while nothing is counted, nothing grows old.
        From then on such events are not counted any more (see Counted.forgotten): forgetting never counts twice.
        Raises Unavailable.
        """
        ...

    async def rebuild(self, log: AsyncIterable[Sequence[Event]]) -> int:
        """Replace all totals by those of the log, while live counting goes on; the number of events counted from it.

        `log` must give, once each, all events that were committed before it is first asked; by then what is counted
        live counts for the new totals as well. An event that comes both ways counts once. The old totals are shown
        until all is counted, then replaced by the new ones atomically. Any exception, also one of the log, leaves
        the old totals. Raises RebuildRunning, NotCountable or Unavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it was taken: a serialized `events.v1.EventBatch`, not yet validated.

    `tag` is the transport's own name for the delivery.
    """

    tag: int
    body: bytes


class EventSource(Protocol):
    """Consumer of messages from the broker. One consumer a source; several sources share the queue."""

    async def take(self, deliveries_max: int, wait_seconds: float) -> Sequence[Delivery]:
        """Take up to `deliveries_max`: first those that were taken before and not acknowledged, then new ones.

        Waits up to `wait_seconds` for the first; empty if there was none. Raises Unavailable.
        """
        ...

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge these and no others. Otherwise they are delivered again, to this consumer or another.

        In any order, also during another acknowledgement. Raises Unavailable; then they may come again.
        """
        ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message body that can't be counted: an `EventBatch` of one event if the body could be split."""

    body: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """A stored dead letter. `letter_id` names it; `died_at` is when it was first stored."""

    letter_id: str
    body: bytes
    reason: str
    died_at: datetime


class DeadLetters(Protocol):
    """Store of messages that could not be counted, each with its reason, until an operator decides."""

    async def put(self, letters: Sequence[DeadLetter]) -> None:
        """Store the letters, at least once each. Raises Unavailable; then some may be stored."""
        ...

    async def list(self, limit: int) -> Sequence[KeptLetter]:
        """Up to `limit` letters, the longest kept first. Raises Unavailable."""
        ...

    async def replay(
        self, deliver: Callable[[bytes], Awaitable[bool]], letter_ids: Collection[str] | None, limit: int
    ) -> int:
        """Pass up to `limit` letters (those named, or any) to `deliver`, and drop those for which it returns True.

        Returns the number dropped. After a crash a letter may be passed again. Raises what `deliver` raises, or
        Unavailable.
        """
        ...

    async def drop(self, letter_ids: Collection[str] | None, limit: int) -> int:
        """Drop up to `limit` letters (those named, or any), unread; their number. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """A decoded message body: events, and dead letters for the parts that are none."""

    events: Sequence[Event]
    unreadable: Sequence[DeadLetter]


class EventReader(Protocol):
    """Decoder of message bodies."""

    def read(self, body: bytes) -> ReadBatch:
        """Decode the whole body. Never raises, whatever the bytes are."""
        ...

    def cut(self, body: bytes, event_ids: Container[EventId]) -> Mapping[EventId, bytes]:
        """Those of the named events that the body holds, each as a body of its own with all that came in it."""
        ...


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Number of events that the log recorded in each second from `since` until before `until`, as Unix time.

    Seconds without events are left out. Every event in between was published.
    """

    since: int
    until: int
    events: Mapping[int, int]


class EventLog(Protocol):
    """The write side's log, which a consumer asks for what it may have lost."""

    async def waiting(self) -> int:
        """Number of published messages that no counter has taken yet. Raises Unavailable."""
        ...

    async def checkpoint(self, since: int) -> Checkpoint:
        """Get the checkpoint of a bounded number of seconds from `since` on. Raises Unavailable."""
        ...

    async def resend(self, seconds: Sequence[int]) -> None:
        """Ask for every event of these seconds to be published again; it may never happen. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class IncompleteSecond:
    """A second of the log of which `missing` events were not counted, and how often they were asked for."""

    second: int
    missing: int
    requests: int


class Completeness(Protocol):
    """Record of how far the log is known to be counted, kept where the totals are, so that it is lost with them."""

    async def start_check(self) -> int | None:
        """Start of the next check, as Unix time; None if another worker began one a moment ago. Raises Unavailable."""
        ...

    async def note(self, checkpoint: Checkpoint) -> None:
        """Compare with what was counted: note the incomplete seconds, and that all was checked until its end.

        While too many seconds are incomplete it notes nothing. Raises Unavailable.
        """
        ...

    async def due(self, limit: int) -> Sequence[IncompleteSecond]:
        """Up to `limit` seconds that are incomplete still, each again after a pause that grows. Raises Unavailable."""
        ...
