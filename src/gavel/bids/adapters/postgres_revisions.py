"""The revision of an auction, as bid_db has it: what tells whether a copy of its state is the present one."""

import asyncio

import asyncpg

from gavel.bids.adapters.postgres_access import borrowed
from gavel.bids.domain.ids import ItemId
from gavel.bids.ports import Unavailable
from gavel.runtime.postgres import load_sql

READ_SECONDS_MAX = 3.0

_READ_REVISION = load_sql(__package__, "read_revision")
_NO_ANSWER = "the database gives no answer"


class PostgresRevisions:
    """One look at one row, by its key."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def revision(self, item_id: ItemId) -> int | None:
        """The item's committed revision; None where there is no such item. Raises Unavailable."""
        try:
            async with asyncio.timeout(READ_SECONDS_MAX), borrowed(self._pool, _NO_ANSWER) as connection:
                return await connection.fetchval(_READ_REVISION, item_id)
        except TimeoutError as error:
            raise Unavailable(_NO_ANSWER) from error
