"""Upkeep of bid_db: note which auctions have started, prune idempotency keys, watch for old snapshots."""

from collections.abc import Sequence

import asyncpg
from prometheus_client.core import Metric

from gavel.bids.adapters.postgres.connections import borrowed, reading
from gavel.runtime.postgres.clock import DatabaseClock
from gavel.runtime.postgres.connections import load_sql
from gavel.runtime.telemetry.metrics import gauge

_READ_CLOCK = load_sql("gavel.bids.adapters.postgres", "read_clock")
_NOTE_STARTED = load_sql(__package__, "note_started")
_PRUNE_KEYS = load_sql(__package__, "prune_keys")
_READ_OLDEST_SNAPSHOT = load_sql(__package__, "read_oldest_snapshot")

STARTED_AUCTIONS_MAX = 500
# Of one transaction: it holds no lock that a bid waits for.
PRUNED_AUCTIONS_MAX = 500
PRUNED_KEYS_MAX = 5_000


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

    async def prune_keys(self) -> bool:
        """Prune keys of auctions that were over 30 days ago; whether there may be more. Raises Unavailable."""
        async with borrowed(self._pool, "the idempotency keys could not be pruned") as connection:
            if not self._clock.trusts(await connection.fetchval(_READ_CLOCK)):
                return False
            row = await connection.fetchrow(_PRUNE_KEYS, PRUNED_AUCTIONS_MAX, PRUNED_KEYS_MAX)
        return row["auctions"] >= PRUNED_AUCTIONS_MAX or row["bid_keys"] == PRUNED_KEYS_MAX

    async def read(self) -> Sequence[Metric]:
        """Source of the metric."""
        async with reading(self._pool) as connection:
            held = await connection.fetchval(_READ_OLDEST_SNAPSHOT)
        meaning = "Transactions since the oldest snapshot that is held: what they deleted or replaced stays meanwhile."
        return [gauge("gavel_oldest_snapshot_transactions", meaning, (), {(): held})]
