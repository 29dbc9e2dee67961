"""The revision of an auction, as bid_db has it: what tells whether a copy of its state is the present one."""

import asyncpg

from gavel.bids.adapters.postgres.reading.access import reading
from gavel.bids.domain.ids import ItemId
from gavel.runtime.postgres.connections import load_sql

_READ_REVISION = load_sql(__package__, "read_revision")


class PostgresRevisions:
    """One look at one row, by its key."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def revision(self, item_id: ItemId) -> int | None:
        """The item's committed revision; None where there is no such item. Raises Unavailable."""
        async with reading(self._pool) as connection:
            return await connection.fetchval(_READ_REVISION, item_id)
