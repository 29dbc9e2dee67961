"""Histories of events to count, and the totals that one delivery of each event, in order, must give."""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count

from gavel.userstats.domain.events import BidPlaced, Event, ItemSold, NothingToCount
from gavel.userstats.domain.ids import EventId, ItemId, UserId
from gavel.userstats.domain.user_stats import UserStats, fold
from gavel.userstats.ports import StatsBook
from tests.unit.userstats.messages import NOON, event_id

_numbers = count(1)


def a_user(number: int) -> UserId:
    """One of many users."""
    return UserId(f"a0000000-0000-4000-8000-{number:012x}")


def an_item(number: int) -> ItemId:
    """One of many items."""
    return ItemId(f"00000000-0000-4000-8000-{number:012x}")


def fresh_id(at: datetime = NOON) -> EventId:
    """An id that no event has."""
    number = next(_numbers)
    return EventId(event_id(an_item(number), number, at))


def a_bid(user: int, amount: int, *, item: int = 1, at: datetime = NOON) -> BidPlaced:
    """A bid with an id of its own."""
    return BidPlaced(fresh_id(at), at, an_item(item), a_user(user), amount)


def a_sale(seller: int, winner: int, amount: int, *, item: int = 1, at: datetime = NOON) -> ItemSold:
    """A sale with an id of its own."""
    return ItemSold(fresh_id(at), at, an_item(item), a_user(seller), a_user(winner), amount)


def a_history(seed: int, events: int, *, users: int = 12, items: int = 8) -> list[Event]:
    """A mixture of facts, the newest last. The first users sell, all others bid."""
    chance = random.Random(seed)
    history: list[Event] = []
    for number in range(events):
        at = NOON + timedelta(milliseconds=number * 7, microseconds=chance.randrange(1_000))
        kind = chance.random()
        if kind < 0.85:
            user, item = chance.randrange(users // 4, users), chance.randrange(items)
            history.append(a_bid(user, chance.randrange(1, 10**6), item=item, at=at))
        elif kind < 0.95:
            seller, winner = chance.randrange(users // 4), chance.randrange(users // 4, users)
            history.append(a_sale(seller, winner, chance.randrange(1, 10**6), at=at))
        else:
            history.append(NothingToCount(fresh_id(at), at))
    return history


def totals_of(events: Iterable[Event]) -> dict[UserId, UserStats]:
    """Everyone's totals after one delivery of each event."""
    once = {event.event_id: event for event in events}
    return {
        user_id: UserStats(
            user_id,
            change.total_bids,
            change.total_amount,
            change.last_updated_at,
            change.last_bid_at,
            change.highest_bid,
            len(change.bid_items),
            change.items_won,
            change.amount_won,
            change.items_sold,
            change.amount_sold,
        )
        for user_id, change in fold(once.values()).items()
    }


async def totals_in(book: StatsBook, users: Iterable[UserId]) -> dict[UserId, UserStats]:
    """What the book says of these users, without those it does not know."""
    return {user_id: stats for user_id in users if (stats := await book.stats_of(user_id)) is not None}
