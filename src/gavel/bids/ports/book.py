"""Auction book: the port for every change of an auction, and for commit listeners."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from gavel.bids.domain.auction import Auction, ItemId
from gavel.bids.domain.decision import Answer, Decide, Decision, RetryKey
from gavel.bids.domain.events import Event
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


class Call(Protocol):
    """Context of a command: its caller's deadline, and the W3C trace context of its request."""

    @property
    def deadline_seconds(self) -> float:
        """The deadline, on the event loop's clock."""
        ...

    @property
    def traceparent(self) -> str:
        """The trace context; empty if the request had none."""
        ...


class CommandCall(NamedTuple):
    """A Call of its own, for commands that no request made."""

    deadline_seconds: float
    traceparent: str = ""


# Receives a command's outcome: its answer, or the exception that AuctionBook.update would raise.
Answered = Callable[[Answer | Exception], None]


class Submitted(Protocol):
    """A command that was submitted to the book."""

    def withdraw(self) -> bool:
        """Drop the command if it is still queued; return whether it was dropped, and will never be answered.

        A command that was taken already is decided and answered all the same.
        """
        ...


class Change(NamedTuple):
    """Effect of a commit on one auction: its state afterwards, the revision before, and the events in between.

    `texts_changed` is set if its listing was written too: a new item, or one that its seller changed.
    """

    auction: Auction
    revision_before: int
    events: tuple[Event, ...]
    texts_changed: bool = False


class Seen(Protocol):
    """A committed state of an auction."""

    @property
    def auction(self) -> Auction:
        """The state."""
        ...

    def now(self) -> datetime:
        """An estimate of the database's clock now."""
        ...


class CommitListener(Protocol):
    """Callback for every commit of this process's book. A hint, not authoritative.

    Called in the turn of the event loop that answers the callers: one that asks again finds the changes noted.
    """

    def committed(self, changes: Sequence[Change]) -> None:
        """Note the changes and return at once: the next batch waits. Exceptions are logged and dropped."""
        ...


class AuctionBook(Protocol):
    """Every auction's state, changed by one decision at a time under the auction's row lock."""

    def submit(
        self, item_id: ItemId, decide: Decide, answered: Answered, *, call: Call, key: RetryKey | None = None
    ) -> Submitted:
        """Queue a command, to run `decide` on the auction under its lock and store what it returns. Never raises.

        Atomic: auction, bids, log, key and outbox rows are written together or not at all. Commands on one item
        run in order of submission. `decide` must be pure: it may run again, when a batch failed before COMMIT was
        sent. A key that was accepted before is answered with its first bid, without calling `decide`.

        Unless the command is withdrawn in time, `answered` is called exactly once, by the event loop and never within
        `submit`: after COMMIT with the answer, or with an exception: what `decide` raised, ItemNotFound, KeyReused,
        Overloaded, DeadlineExceeded, or Unavailable. After the last two a command that was being decided may still
        have been accepted.
        """
        ...

    async def update(self, item_id: ItemId, decide: Decide, *, call: Call, key: RetryKey | None = None) -> Answer:
        """Submit a command and wait for its answer. Raises the exceptions that `submit` answers with.

        A caller that is cancelled withdraws its command.
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

    def last_seen(self, item_id: ItemId) -> Seen | None:
        """The newest state of the auction that this process saw committed; None if it saw none lately.

        May be older than the database's state; never newer.
        """
        ...


async def answer_of(submit: Callable[[Answered], Submitted]) -> Answer:
    """Submit a command and wait for its answer, for callers that are tasks. See AuctionBook.update."""
    answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def answered(outcome: Answer | Exception) -> None:
        if answer.done():
            return
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    submitted = submit(answered)
    try:
        return await answer
    except asyncio.CancelledError:
        submitted.withdraw()
        raise
