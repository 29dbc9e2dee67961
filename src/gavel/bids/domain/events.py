"""Auction events, named in the past tense, each with the item's next `seq`.

A bid carries the state right after it; a rarer event only what it changed. The log keeps the state after every event.
"""

from datetime import datetime
from typing import NamedTuple

from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.hidden import repr_without


class BidPlaced(NamedTuple):
    """An accepted bid, or an automatic one: its bidder leads at its amount until the next event.

    `maximum` is what this bidder is prepared to pay; it is stored and never shown, so the repr leaves it out.
    `outbid_user_id` is the leader before, if another. `end_at` is the end in force when the bid was accepted.
    """

    item_id: ItemId
    seq: int
    at: datetime
    user_id: UserId
    amount: int
    maximum: int
    automatic: bool
    outbid_user_id: UserId | None
    bid_count: int
    minimum_next_bid: int
    end_at: datetime

    def __repr__(self) -> str:
        """Leave out the maximum."""
        return repr_without(self, "maximum")


class AuctionExtended(NamedTuple):
    """Soft close moved the end."""

    item_id: ItemId
    seq: int
    at: datetime
    end_at: datetime


class AuctionClosed(NamedTuple):
    """The auction is over: `winner_id` buys at `amount`, or it is unsold (`sold` false)."""

    item_id: ItemId
    seq: int
    at: datetime
    sold: bool
    winner_id: UserId | None
    amount: int


class AuctionCancelled(NamedTuple):
    """The seller withdrew the item before the first bid."""

    item_id: ItemId
    seq: int
    at: datetime


class ItemListed(NamedTuple):
    """The item was listed; always seq 1."""

    item_id: ItemId
    seq: int
    at: datetime
    title: str


Event = BidPlaced | AuctionExtended | AuctionClosed | AuctionCancelled | ItemListed
