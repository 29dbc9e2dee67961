"""A user's totals, and what events add to them.

Every total is a sum, a greatest, or a number of distinct things, so the order in which events arrive never shows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from gavel.userstats.domain.events import BidPlaced, Event, ItemSold, NothingToCount
from gavel.userstats.domain.ids import ItemId, UserId


@dataclass(frozen=True, slots=True)
class UserStats:
    """Totals of a user whom at least one event names. Amounts are minor units.

    `last_bid_at` is None for a seller who never bid. `last_updated_at` is the time of the newest event counted,
    not of the counting: a rebuild gives the same.
    """

    user_id: UserId
    total_bids: int
    total_amount: int
    last_updated_at: datetime
    last_bid_at: datetime | None
    highest_bid: int
    items_bid_on: int
    items_won: int
    amount_won: int
    items_sold: int
    amount_sold: int


@dataclass(slots=True)
class UserChange:
    """What some events add to one user's totals; `bid_items` are the items bid on, of which some may not be new."""

    last_updated_at: datetime
    total_bids: int = 0
    total_amount: int = 0
    last_bid_at: datetime | None = None
    highest_bid: int = 0
    items_won: int = 0
    amount_won: int = 0
    items_sold: int = 0
    amount_sold: int = 0
    bid_items: set[ItemId] = field(default_factory=set[ItemId])


def fold(events: Iterable[Event]) -> dict[UserId, UserChange]:
    """What the events add to each user's totals; each event is taken as new, and in any order."""
    changes: dict[UserId, UserChange] = {}
    for event in events:
        match event:
            case BidPlaced():
                _count_bid(_change(changes, event.user_id, event.at), event)
            case ItemSold():
                won = _change(changes, event.winner_id, event.at)
                won.items_won += 1
                won.amount_won += event.amount
                sold = _change(changes, event.seller_id, event.at)
                sold.items_sold += 1
                sold.amount_sold += event.amount
            case NothingToCount():
                pass
    return changes


def _change(changes: dict[UserId, UserChange], user_id: UserId, at: datetime) -> UserChange:
    change = changes.get(user_id)
    if change is None:
        change = changes[user_id] = UserChange(at)
    elif change.last_updated_at < at:
        change.last_updated_at = at
    return change


def _count_bid(change: UserChange, bid: BidPlaced) -> None:
    change.total_bids += 1
    change.total_amount += bid.amount
    change.bid_items.add(bid.item_id)
    if change.highest_bid < bid.amount:
        change.highest_bid = bid.amount
    if change.last_bid_at is None or change.last_bid_at < bid.at:
        change.last_bid_at = bid.at
