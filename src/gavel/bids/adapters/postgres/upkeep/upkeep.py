"""Upkeep of bid_db: note which auctions have started."""

import asyncpg

from gavel.bids.adapters.postgres.connections import borrowed
from gavel.runtime.postgres.clock import DatabaseClock
from gavel.runtime.postgres.connections import load_sql

_READ_CLOCK = load_sql("gavel.bids.adapters.postgres", "read_clock")
_NOTE_STARTED = load_sql(__package__, "note_started")

STARTED_AUCTIONS_MAX = 500


class PostgresUpkeep:
    """Passes of upkeep over bid_db, for the bid worker. Any number of workers may run them at once.

    While the database's clock is not trusted, they do nothing: what they do is not undone.
    """

    def __init__(self, pool: asyncpg.Pool, clock: DatabaseClock | None = None) -> None:
        self._pool = pool
        self._clock = clock or DatabaseClock("bid_db")

    async def note_started(self) -> bool:
        """Note up to STARTED_AUCTIONS_MAX auctions as started; whether there may be more. Raises Unavailable."""
        async with borrowed(self._pool, "the auctions that have started could not be noted") as connection:
            if not self._clock.trusts(await connection.fetchval(_READ_CLOCK)):
                return False
            noted = await connection.fetchval(_NOTE_STARTED, STARTED_AUCTIONS_MAX)
        return noted == STARTED_AUCTIONS_MAX
