"""What the write side needs of the world, named by role. Adapters promise what is written here."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gavel.bids.domain.auction import Auction, Status
from gavel.bids.domain.decision import Answer, Decide, Decision, RetryKey
from gavel.bids.domain.events import BidPlaced, Event
from gavel.bids.domain.ids import ItemId, UserId
from gavel.bids.domain.listing import Listing


class Unavailable(Exception):
    """The database can't be asked now, or the fate of a COMMIT is unknown. Safe to retry with a key."""


class Overloaded(Exception):
    """A bounded queue is full. Nothing was done; try again after `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: float, waiting: str = "too many bids are waiting") -> None:
        super().__init__(waiting)
        self.retry_after_seconds = retry_after_seconds


class DeadlineExceeded(Exception):
    """The caller's deadline passed. If the command was already being decided, it may have been accepted."""


class EventsNotPublished(Exception):
    """The broker did not take responsibility for every message; some may have been delivered all the same."""


@dataclass(frozen=True, slots=True)
class Call:
    """Where a command comes from: how long its caller waits, and the W3C trace context of its request.

    `deadline_seconds` is on the event loop's clock. An empty `traceparent` means the request had none.
    """

    deadline_seconds: float
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit did to one auction: its state afterwards, the revision it had before, and the events in between.

    `texts_changed` where its listing was written too: a new item, or one that its seller changed.
    """

    auction: Auction
    revision_before: int
    events: tuple[Event, ...]
    texts_changed: bool = False


class CommitListener(Protocol):
    """Told of every commit of this process's book, after it and before its callers. A hint, never the truth."""

    def committed(self, changes: Sequence[Change]) -> None:
        """Take note, and return at once: callers wait. What is raised is logged and lost."""
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

        None where it saw none lately. May be older than the truth; never newer.
        """
        ...


@dataclass(frozen=True, slots=True)
class ItemView:
    """An item as it is shown: state, texts, and the times of its row."""

    auction: Auction
    listing: Listing
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class BidderItem:
    """An item as one bidder finds it: the highest amount and the maximum that are theirs, and when they last bid.

    The maximum is the bidder's alone, and left out of the repr, so that no log line can show it.
    """

    item: ItemView
    amount: int
    maximum: int = field(repr=False)
    last_bid_at: datetime


@dataclass(frozen=True, slots=True)
class ItemPosition:
    """A place in a list of items: the last item seen, by the time that orders the list."""

    time: datetime
    item_id: ItemId


class ItemCatalogue(Protocol):
    """Items and bids as Postgres has them: whoever bids reads their own bid."""

    async def item(self, item_id: ItemId) -> tuple[ItemView, datetime] | None:
        """The item, with the database's clock; None where there is none."""
        ...

    async def items(
        self, status: Status, category: str, after: ItemPosition | None, limit: int
    ) -> tuple[list[ItemView], datetime]:
        """Up to `limit` items of a status (all categories where `category` is empty) after a position.

        Scheduled ones by start, active ones ending soonest first, ended and cancelled ones newest end first.
        """
        ...

    async def items_of_seller(
        self, seller_id: UserId, after: ItemPosition | None, limit: int
    ) -> tuple[list[ItemView], datetime]:
        """Up to `limit` items of a seller, of every status, newest listed first, after a position; and the clock."""
        ...

    async def items_of_bidder(
        self, user_id: UserId, after: ItemPosition | None, limit: int
    ) -> tuple[list[BidderItem], datetime]:
        """Up to `limit` items that a user has bid on, newest bid of theirs first, after a position; and the clock."""
        ...

    async def bids(self, item_id: ItemId, before_seq: int | None, limit: int) -> list[BidPlaced] | None:
        """Up to `limit` bids of an item below a seq (None: from the newest), newest first; None: no such item."""
        ...


@dataclass(frozen=True, slots=True)
class Due:
    """Auctions to close, the longest overdue first, and how long until the next end; None where none is to come."""

    item_ids: tuple[ItemId, ...]
    next_end_seconds: float | None


class DueAuctions(Protocol):
    """Which auctions wait for their close, by the database's clock."""

    async def due(self, limit: int, but: Collection[ItemId]) -> Due:
        """Up to `limit` auctions, other than those in `but`, whose end has passed and that are not closed or cancelled.

        A hint: the close itself decides under the lock whether it is still due. Raises Unavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class LeaderboardEntry:
    """How one bidder stands on an item: the highest amount, the seq of the bid that it is of, and how many bids."""

    user_id: UserId
    amount: int
    last_bid_seq: int
    bid_count: int


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """An item's bidders as they stood at a `revision` and `seq`: highest amount first.

    On a tie the leader, whose last bid is `leader_seq`, stands first, then the earlier bid.
    """

    revision: int
    seq: int
    leader_seq: int
    entries: tuple[LeaderboardEntry, ...]


# What one answer shows at most.
LEADERBOARD_ENTRIES_MAX = 100


class Leaderboards(Protocol):
    """Who has bid how much."""

    async def board(self, item_id: ItemId, limit: int) -> Leaderboard | None:
        """The first `limit` bidders of an item, no older than what was committed when it was asked for.

        None where there is no such item. Raises Unavailable.
        """
        ...


class CacheAway(Exception):
    """The cache can't be asked now. Whoever asks goes on without it."""


class LeaderboardCache(Protocol):
    """Boards that were read once, kept up by what is committed. A board that is there may be older than the truth.

    It may forget any board at any time, and never puts an older one in the place of a newer one.
    """

    async def read(self, item_id: ItemId, limit: int) -> Leaderboard | None:
        """The first `limit` bidders of the board that is kept; None where none is. Raises CacheAway."""
        ...

    async def store(self, item_id: ItemId, board: Leaderboard, *, whole: bool) -> None:
        """Keep a board, unless one as new is there; not `whole` where it leaves bidders out. Raises CacheAway."""
        ...

    async def apply(self, changes: Sequence[Change]) -> None:
        """Bring the boards that show the revision before a change up to it.

        A board that lacks what went before the change, or the bidder's earlier bids, is forgotten; a newer one stays.
        Raises CacheAway; then the boards stay as they are, or come to a later change with a gap.
        """
        ...


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One message for the broker: a serialized `events.v1.EventBatch` of `event_count` events of one routing key."""

    routing_key: str
    body: bytes
    event_count: int


class EventPublisher(Protocol):
    """The way to the broker."""

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        """Return when every message is the broker's responsibility. At least once; order is not kept.

        Raises EventsNotPublished, within a bounded time.
        """
        ...


class Outbox(Protocol):
    """What is still owed to the broker."""

    async def relay(self, publish: Callable[[Sequence[OutboxMessage]], Awaitable[None]], rows_max: int) -> int:
        """Claim up to `rows_max` rows, publish them, and delete them if and only if `publish` returned.

        Claims of several relays never overlap. Returns the number of events relayed, 0 where nothing was owed.
        Raises what `publish` raises, or Unavailable; then the rows are owed still.
        """
        ...
