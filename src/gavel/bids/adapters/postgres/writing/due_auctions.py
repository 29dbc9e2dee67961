"""The auctions that wait for the closer."""

from collections.abc import Collection

import asyncpg

from gavel.bids.adapters.postgres.connections import reading
from gavel.bids.domain.ids import ItemId
from gavel.bids.ports.due_auctions import Due
from gavel.runtime.postgres.connections import load_sql

_LIST_DUE_AUCTIONS = load_sql(__package__, "list_due_auctions")


class PostgresDueAuctions:
    """DueAuctions on bid_db. Nothing is claimed: any number of closers may ask, and a second close changes nothing."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def due(self, limit: int, but: Collection[ItemId]) -> Due:
        """See DueAuctions.due."""
        async with reading(self._pool) as connection:
            # One more, to know of the next end.
            rows = await connection.fetch(_LIST_DUE_AUCTIONS, limit + 1, list(but))
        due = tuple(ItemId(row["item_id"]) for row in rows[:limit] if row["seconds_left"] <= 0)
        left = rows[len(due)]["seconds_left"] if len(rows) > len(due) else None
        return Due(due, left)
