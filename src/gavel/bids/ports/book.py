"""Auction book: the port for every change of an auction, and for commit listeners."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gavel.bids.domain.auction import Auction
from gavel.bids.domain.decision import Answer, Decide, Decision, RetryKey
from gavel.bids.domain.events import Event
from gavel.bids.domain.ids import ItemId
from gavel.bids.domain.listing import Listing


class Unavailable(Exception):
    """The database is unavailable, or the outcome of a COMMIT is unknown. Safe to retry with a key."""


class Overloaded(Exception):
    """A bounded queue is full. Nothing was done; try again after `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: float, waiting: str = "too many bids are waiting") -> None:
        super().__init__(waiting)
        self.retry_after_seconds = retry_after_seconds


class DeadlineExceeded(Exception):
    """The caller's deadline passed. If the command was already being decided, it may have been accepted."""


@dataclass(frozen=True, slots=True)
class Call:
    """Context of a command: its caller's deadline, and the W3C trace context of its request.

    `deadline_seconds` is on the event loop's clock. An empty `traceparent` means the request had none.
    """

    deadline_seconds: float
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """Effect of a commit on one auction: its state afterwards, the revision before, and the events in between.

    `texts_changed` is set if its listing was written too: a new item, or one that its seller changed.
    """

    auction: Auction
    revision_before: int
    events: tuple[Event, ...]
    texts_changed: bool = False


class CommitListener(Protocol):
    """Callback for every commit of this process's book, before its callers are answered. A hint, not authoritative."""

    def committed(self, changes: Sequence[Change]) -> None:
        """Note the changes and return at once: callers wait. Exceptions are logged and dropped."""
        ...


class AuctionBook(Protocol):
    """Every auction's state, changed by one decision at a time under the auction's row lock."""

    async def update(self, item_id: ItemId, decide: Decide, *, call: Call, key: RetryKey | None = None) -> Answer:
        """Run `decide` on the auction under its lock, store what it returns, and answer after COMMIT.

        Atomic: auction, bids, log, key and outbox rows are written together or not at all. Commands on one item
        run in order of arrival. `decide` must be pure: it may run again, when a batch failed before COMMIT was sent.
        A key that was accepted before is answered with its first bid, without calling `decide`.

        Raises what `decide` raises, ItemNotFound, KeyReused, Overloaded, DeadlineExceeded, or Unavailable;
        after the last two a command that was being decided may still have been accepted.
        """
        ...

    async def open(
        self, open_at: Callable[[datetime], Decision], listing: Listing, *, call: Call, key: RetryKey | None = None
    ) -> Answer:
        """Store a new auction, decided on the database's clock, with its texts, its first event and its key.

        Atomic. A key that its seller used before is answered with the auction that it opened, as it is now, without
        calling `open_at`. Of many calls with one key at one moment, one opens an auction.

        Raises what `open_at` raises, KeyReused, DeadlineExceeded or Unavailable; after the last two the auction may
        have been opened, and only a call with a key is safe to retry.
        """
        ...

    def last_seen(self, item_id: ItemId) -> tuple[Auction, datetime] | None:
        """The newest state of the auction that this process saw committed, with an estimate of the database's clock.

        None if it saw none lately. May be older than the database's state; never newer.
        """
        ...
