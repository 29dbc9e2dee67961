"""Writes of counting: claim ids, add totals. The search path selects the set of tables."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from gavel.runtime.postgres.connections import array, load_sql
from gavel.userstats.domain.events import Event
from gavel.userstats.domain.ids import EventId, UserId
from gavel.userstats.domain.user_stats import UserChange, fold

_CLAIM_EVENT_IDS = load_sql(__package__, "claim_event_ids")
_ADD_BID_ITEMS = load_sql(__package__, "add_bid_items")
_ADD_TO_TOTALS = load_sql(__package__, "add_to_totals")

# The contract's int64. A sum stops there; add_to_totals.sql does the same.
TOTAL_MAX = 2**63 - 1

_by_event_id = attrgetter("event_id")


async def count_new(connection: Any, events: Iterable[Event]) -> int:
    """Claim the events' ids, and add to the totals those that were not claimed before; their number.

    All within the caller's transaction. Locks are taken in one order: ids, items, users, each sorted.
    """
    by_id = {event.event_id: event for event in sorted(events, key=_by_event_id)}
    claimed: list[EventId] | None = await connection.fetchval(_CLAIM_EVENT_IDS, array(by_id))
    new = list(by_id.values()) if claimed is None else [by_id[event_id] for event_id in claimed]
    await add_to_totals(connection, new)
    return len(new)


async def add_to_totals(connection: Any, events: Iterable[Event]) -> None:
    """Add the events to the totals, all of them."""
    changes = sorted(fold(events).items())
    if not changes:
        return
    pairs = [(user_id, item_id) for user_id, change in changes for item_id in sorted(change.bid_items)]
    new_items: dict[str, int] = {}
    if pairs:
        new_items = dict(await connection.fetch(_ADD_BID_ITEMS, *map(array, zip(*pairs, strict=True))))
    rows = [_row(user_id, change, new_items.get(user_id, 0)) for user_id, change in changes]
    await connection.execute(_ADD_TO_TOTALS, *map(array, zip(*rows, strict=True)))


def _row(user_id: UserId, change: UserChange, new_items: int) -> Sequence[object]:
    """The parameters of add_to_totals.sql for one user."""
    return (
        user_id,
        change.total_bids,
        min(change.total_amount, TOTAL_MAX),
        change.last_updated_at,
        change.last_bid_at,
        change.highest_bid,
        new_items,
        change.items_won,
        min(change.amount_won, TOTAL_MAX),
        change.items_sold,
        min(change.amount_sold, TOTAL_MAX),
    )
