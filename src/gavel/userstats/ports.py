"""What the read side needs of the world, named by role. Adapters promise what is written here."""

from collections.abc import AsyncIterable, Awaitable, Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gavel.userstats.domain.events import Event
from gavel.userstats.domain.ids import EventId, UserId
from gavel.userstats.domain.user_stats import UserStats


class Unavailable(Exception):
    """The database or the broker gives no answer, or the fate of a COMMIT is unknown. Counting again is safe."""


class NotCountable(Exception):
    """The database refuses what is in these events. Nothing of them was counted."""


class RebuildRunning(Exception):
    """Another rebuild is under way; this one changed nothing."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of some events.

    `new` ones were counted now, `duplicates` before (or twice in the same call), and `forgotten` ones not at all:
    they are older than the ids that are still known, so nobody can tell whether they were counted.
    """

    new: int
    duplicates: int
    forgotten: Sequence[EventId] = ()


@dataclass(frozen=True, slots=True)
class TopPosition:
    """A place in the list of top bidders: the last one seen."""

    amount_won: int
    user_id: UserId


class StatsBook(Protocol):
    """Everyone's totals, and the ids of the events that made them."""

    async def count(self, events: Sequence[Event]) -> Counted:
        """Add to the totals every event that was not counted before, each id once for ever.

        Atomic: all new events of the call and their ids, or nothing. Any number of callers, in any order.
        Raises NotCountable or Unavailable; after the latter the events may have been counted, and counting them
        again tells.
        """
        ...

    async def stats_of(self, user_id: UserId) -> UserStats | None:
        """The user's totals; None where no event told of the user. Raises Unavailable."""
        ...

    async def top_bidders(self, after: TopPosition | None, limit: int) -> list[UserStats]:
        """Up to `limit` users who bid, most spent on won items first, by id on a tie. Raises Unavailable."""
        ...

    async def forget(self, older_than: timedelta, limit: int) -> int:
        """Let go of up to `limit` ids of events that are older; the number let go, 0 where none was left.

        Older than the newest event that was counted, by as much: while nothing is counted, nothing grows old.
        From then on such events are not counted any more (see Counted.forgotten): forgetting never counts twice.
        Raises Unavailable.
        """
        ...

    async def rebuild(self, log: AsyncIterable[Sequence[Event]]) -> int:
        """Replace all totals by what the log tells, beside live counting; the number of events counted from it.

        `log` must give, once each, all events that were committed before it is first asked; by then what is counted
        live counts for the new totals as well. An event that comes both ways counts once. The old totals are shown
        until all is counted, then the new ones, from one moment to the next. Whatever is raised, by the log too,
        leaves the old totals. Raises RebuildRunning, NotCountable or Unavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it was taken: a serialized `events.v1.EventBatch`, or what claims to be one.

    `tag` is the transport's own name for the delivery.
    """

    tag: int
    body: bytes


class EventSource(Protocol):
    """The way from the broker. One consumer a source; several sources share what the broker has."""

    async def take(self, deliveries_max: int, wait_seconds: float) -> Sequence[Delivery]:
        """Up to so many deliveries: first those that were taken before and not acknowledged, then new ones.

        Waits for the first at most so long; empty where there was none. Raises Unavailable.
        """
        ...

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Let the broker forget these and no others. Without it they are delivered again, to this consumer or another.

        In any order, also while another acknowledgement is under way. Raises Unavailable; then they may come again.
        """
        ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message body that can't be counted, an `EventBatch` of one event where the event could be told apart."""

    body: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """A dead letter as it is kept. `letter_id` names it; `died_at` is when it was first put there."""

    letter_id: str
    body: bytes
    reason: str
    died_at: datetime


class DeadLetters(Protocol):
    """What could not be counted, kept with its reason until a person decides."""

    async def put(self, letters: Sequence[DeadLetter]) -> None:
        """Keep the letters, at least once each. Raises Unavailable; then some may be kept."""
        ...

    async def list(self, limit: int) -> Sequence[KeptLetter]:
        """Up to `limit` letters, the longest kept first. Raises Unavailable."""
        ...

    async def replay(
        self, deliver: Callable[[bytes], Awaitable[bool]], letter_ids: Collection[str] | None, limit: int
    ) -> int:
        """Give up to `limit` letters (those named, or any) to `deliver`, and let go of those for which it says True.

        The number let go. A letter may be given again after a crash. Raises what `deliver` raises, or Unavailable.
        """
        ...

    async def drop(self, letter_ids: Collection[str] | None, limit: int) -> int:
        """Let go of up to `limit` letters (those named, or any), unread; their number. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """What a message body holds: events, and dead letters for the parts that are none."""

    events: Sequence[Event]
    unreadable: Sequence[DeadLetter]


class EventReader(Protocol):
    """Message bodies as events."""

    def read(self, body: bytes) -> ReadBatch:
        """All that the body holds. Never raises, whatever the bytes are."""
        ...

    def cut(self, body: bytes, event_ids: Container[EventId]) -> Mapping[EventId, bytes]:
        """Those of the named events that the body holds, each as a body of its own with all that came in it."""
        ...
