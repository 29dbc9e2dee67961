"""Leaderboards, read from the table `standings`, which every bid's transaction writes."""

import asyncpg

from gavel.bids.adapters.postgres.connections import reading
from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.leaderboards import Leaderboard, LeaderboardEntry
from gavel.bids.domain.refusals import ItemNotFound
from gavel.runtime.postgres.connections import load_sql

_READ_LEADERBOARD = load_sql(__package__, "read_leaderboard")
_READ_REVISION = load_sql(__package__, "read_revision")


class PostgresLeaderboards:
    """Leaderboards on bid_db: as committed when they are read."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def board(self, item_id: ItemId, limit: int) -> Leaderboard:
        """See Leaderboards.board."""
        async with reading(self._pool) as connection:
            rows = await connection.fetch(_READ_LEADERBOARD, item_id, limit)
        if not rows:
            raise ItemNotFound(item_id)
        item = rows[0]
        entries = tuple(
            LeaderboardEntry(UserId(row["user_id"]), row["amount"], row["last_bid_seq"], row["bid_count"])
            for row in rows
            if row["user_id"] is not None
        )
        return Leaderboard(item["revision"], item["seq"], item["leader_seq"], entries)

    async def revision(self, item_id: ItemId) -> int | None:
        """The item's committed revision, read by its key; None if there is no such item. Raises Unavailable."""
        async with reading(self._pool) as connection:
            return await connection.fetchval(_READ_REVISION, item_id)
