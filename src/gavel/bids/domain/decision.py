"""Decisions: a new state and its events, to be stored together or not at all."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from gavel.bids.domain.auction import Auction, UserId
from gavel.bids.domain.events import BidPlaced, Event
from gavel.bids.domain.hidden import repr_without
from gavel.bids.domain.texts import ListingChanges


class Decision(NamedTuple):
    """Outcome of a command: the state after it, the events that led there in order of seq, and the bid to answer with.

    `bid_seq` is the seq of the bid that the answer shows: the caller's own, or the standing bid of a leader
    who only raised the maximum; 0 where the command was no bid. `changes` are texts to set in the item's listing.
    `at` is the database's clock.
    """

    auction: Auction
    at: datetime
    events: tuple[Event, ...] = ()
    bid_seq: int = 0
    raised_maximum: bool = False
    changes: ListingChanges | None = None


Decide = Callable[[Auction, datetime], Decision]


class RetryKey(NamedTuple):
    """Idempotency key of one request of one user: on one item, or to list one.

    The request names a maximum, and is left out of the repr, so that no log line can show it.
    """

    user_id: UserId
    key: str
    request: str

    def __repr__(self) -> str:
        """Leave out the request."""
        return repr_without(self, "request")


class Answer(NamedTuple):
    """Answer to an accepted command: the bid, and the item's present state at `at`.

    `bid` is None where the command was no bid. A replay (the key was accepted before) carries the first bid.
    """

    auction: Auction
    at: datetime
    bid: BidPlaced | None
    replayed: bool = False
