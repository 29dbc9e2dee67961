"""Refusals, with their facts as fields. Texts are built from the facts, never the reverse."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gavel.bids.domain.auction import ItemId


class Refusal(Exception):
    """Base of expected refusals, which the caller can correct. Logged at info, without a traceback."""


class BidRefusal(Enum):
    """Why a bid, or a buy-now, was not accepted."""

    TOO_LOW = "the bid is below the least bid"
    NOT_STARTED = "the auction has not started"
    ENDED = "the auction has ended"
    CANCELLED = "the auction was cancelled"
    SELLER = "the seller can't bid on their own item"
    ALREADY_LEADING = "the leader may only raise the maximum"
    BUY_NOW_UNAVAILABLE = "buy-now is not available"


@dataclass(eq=False, slots=True)
class BidRefused(Refusal):
    """The rules refuse a bid; carries the state it was refused on. Prices in minor units.

    `minimum_next_bid` is 0 if no amount that is allowed would be high enough.
    """

    reason: BidRefusal
    current_highest_bid: int
    minimum_next_bid: int
    end_at: datetime
    at: datetime

    def __str__(self) -> str:
        """Say what to do next if there is something to do."""
        if self.reason is not BidRefusal.TOO_LOW:
            return self.reason.value
        advice = f"bid at least {self.minimum_next_bid}" if self.minimum_next_bid else "no higher bid is allowed"
        return f"{self.reason.value}: {advice}"


class ChangeRefusal(Enum):
    """Why an item can no longer be cancelled or its texts be changed."""

    CANCELLED = "the auction was cancelled"
    ENDED = "the auction has ended"
    HAS_BIDS = "it has bids"


@dataclass(eq=False, slots=True)
class ChangeRefused(Refusal):
    """A seller's change comes too late. `fields` are the texts that stay as they are; None for a cancellation."""

    reason: ChangeRefusal
    fields: tuple[str, ...] | None = None

    def __str__(self) -> str:
        """Name the fields first, so that a form can find them."""
        if self.fields is None:
            return f"the item can't be cancelled any more: {self.reason.value}"
        return f"{', '.join(self.fields)}: can't be changed any more: {self.reason.value}"


@dataclass(eq=False, slots=True)
class NotTheSeller(Refusal):
    """A user who is not the seller asked to change or cancel an item."""

    item_id: ItemId

    def __str__(self) -> str:
        """Name the only user who may."""
        return f"only its seller may change or cancel the item {self.item_id}"


@dataclass(eq=False, slots=True)
class ItemNotFound(Refusal):
    """No item has this id."""

    item_id: ItemId

    def __str__(self) -> str:
        """Name the requested id."""
        return f"no item has the id {self.item_id}"


@dataclass(eq=False, slots=True)
class KeyReused(Refusal):
    """The user has already used this idempotency key for another request: on this item, or to list one."""

    def __str__(self) -> str:
        """Say what a key is for."""
        return "this idempotency key was used for another request: a new request needs a new key"


@dataclass(eq=False, slots=True)
class InvalidInput(Refusal):
    """A field that no auction could accept, whatever its state."""

    field: str
    problem: str

    def __str__(self) -> str:
        """Name the field first, so that a form can find it."""
        return f"{self.field}: {self.problem}"
