"""Auction state: the terms fixed at listing, and what bids have changed since; identifiers."""

import re
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, NewType

from gavel.bids.domain.hidden import repr_without
from gavel.bids.domain.increments import BidIncrement, increment_at

ItemId = NewType("ItemId", str)
UserId = NewType("UserId", str)
# A user in whose name the caller may act: what commands take, so that a caller who was not checked does not type-check.
ActorId = NewType("ActorId", UserId)
EventId = NewType("EventId", str)

_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z").match
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Status(Enum):
    """Auction status, from the clock and from its cancellation or close."""

    SCHEDULED = "scheduled"
    ACTIVE = "active"
    ENDED = "ended"
    CANCELLED = "cancelled"


class ReserveState(Enum):
    """Public state of a reserve price, which itself stays hidden."""

    NONE = "none"
    NOT_MET = "not_met"
    MET = "met"


class SoftClose(NamedTuple):
    """Soft-close rule: a bid in the last `window_seconds` moves the end; a window of 0 switches it off."""

    window_seconds: int = 60
    extension_seconds: int = 60
    max_extension_seconds: int = 1800


class Terms(NamedTuple):
    """Auction terms, fixed when the item is listed. Prices in minor units; 0 means there is none.

    The reserve is left out of the repr, so that no log line can show it.
    """

    seller_id: UserId
    currency: str
    start_at: datetime
    scheduled_end_at: datetime
    start_price: int
    reserve_price: int = 0
    buy_now_price: int = 0
    soft_close: SoftClose = SoftClose()
    increment: BidIncrement = BidIncrement()

    def __repr__(self) -> str:
        """Leave out the reserve."""
        return repr_without(self, "reserve_price")


class Auction(NamedTuple):
    """Auction state, which a decision reads and replaces as a whole.

    `price` is the visible price, 0 before the first bid; `minimum_next_bid` is the least amount that would be
    accepted now, `least_bid` of terms and price, kept because every bid asks for it several times; `leader_maximum`
    is the leader's hidden maximum, left out of the repr, so that no log line can show it; `seq` numbers the item's
    events, `last_bid_seq` is that of the leader's standing bid; `revision` rises with every event, and with a change
    that makes none.
    """

    item_id: ItemId
    terms: Terms
    end_at: datetime
    minimum_next_bid: int
    price: int = 0
    leader_id: UserId | None = None
    leader_maximum: int = 0
    bid_count: int = 0
    last_bid_seq: int = 0
    seq: int = 0
    revision: int = 0
    cancelled_at: datetime | None = None
    closed_at: datetime | None = None

    def __repr__(self) -> str:
        """Leave out the leader's maximum."""
        return repr_without(self, "leader_maximum")

    @property
    def reserve_met(self) -> bool:
        """Whether the visible price has reached the reserve; True where there is none."""
        return self.price >= self.terms.reserve_price

    @property
    def reserve_state(self) -> ReserveState:
        """The public state of the reserve."""
        if not self.terms.reserve_price:
            return ReserveState.NONE
        return ReserveState.MET if self.reserve_met else ReserveState.NOT_MET

    @property
    def sold(self) -> bool:
        """Whether the leader gets the item, once the auction has been closed."""
        return self.leader_id is not None and self.reserve_met

    def status_at(self, at: datetime) -> Status:
        """The status by the clock: SCHEDULED before the start, ENDED from the end in force on."""
        if self.cancelled_at is not None:
            return Status.CANCELLED
        if at >= self.end_at or self.closed_at is not None:
            return Status.ENDED
        return Status.SCHEDULED if at < self.terms.start_at else Status.ACTIVE

    def buy_now_available_at(self, at: datetime) -> bool:
        """Whether the buy-now price would end the auction now.

        While there is no bid; with a reserve, also while it is not met and the price is below the buy-now price.
        """
        terms = self.terms
        if not terms.buy_now_price or self.status_at(at) is not Status.ACTIVE:
            return False
        return self.bid_count == 0 or (not self.reserve_met and self.price < terms.buy_now_price)


def new_auction(item_id: ItemId, terms: Terms) -> Auction:
    """The state of an auction right after its first event, the listing."""
    return Auction(item_id, terms, terms.scheduled_end_at, terms.start_price, seq=1, revision=1)


def least_bid(terms: Terms, price: int) -> int:
    """The least amount that beats a price: the start price before the first bid, then price plus increment."""
    return price + increment_at(price, terms.increment, terms.currency) if price else terms.start_price


def extended_end(auction: Auction, at: datetime) -> datetime:
    """The end in force after a bid at `at`: moved by soft close, or as it was.

    A bid in the last `window_seconds` moves the end to `extension_seconds` after itself, never beyond the
    scheduled end plus `max_extension_seconds`, and never back.
    """
    rule = auction.terms.soft_close
    if rule.window_seconds == 0 or (auction.end_at - at).total_seconds() > rule.window_seconds:
        return auction.end_at
    latest = auction.terms.scheduled_end_at + timedelta(seconds=rule.max_extension_seconds)
    return max(auction.end_at, min(at + timedelta(seconds=rule.extension_seconds), latest))


def canonical_uuid(text: str) -> str | None:
    """Return the text in lower case if it is a UUID of 36 characters with hyphens, else None.

    Braces, `urn:uuid:` and missing hyphens are refused: an id has one spelling, so that the same
    row is never addressed in two ways.
    """
    lowered = text.lower()
    return lowered if _CANONICAL_UUID(lowered) else None


@lru_cache(maxsize=4_096)
def event_id(item_id: ItemId, seq: int, recorded_at: datetime) -> EventId:
    """Derive the id of an event: always the same for the same (item_id, seq, recorded_at).

    Shaped as a UUID version 7 (RFC 9562, section 5.7): the milliseconds of `recorded_at`, then a hash of
    item and seq where a generator would put randomness. Rebuilding from the log makes the same ids, and
    consumers that index them insert at the right edge and prune by range.
    """
    digest = blake2b(f"{item_id}:{seq}".encode(), digest_size=10).hexdigest()
    time = f"{(recorded_at - _EPOCH) // _MILLISECOND:012x}"
    variant = "89ab"[int(digest[3], 16) & 3]
    return EventId(f"{time[:8]}-{time[8:]}-7{digest[:3]}-{variant}{digest[4:7]}-{digest[7:19]}")
