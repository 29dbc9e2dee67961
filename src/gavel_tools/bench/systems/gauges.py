"""Numbers in the databases, looked at while something happens."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

import asyncpg

from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.connections import load_sql
from gavel_tools.bench.case import MeasurementFailed

REACH_SECONDS_MAX = 180.0
POLL_SECONDS = 0.05


class Gauge(Enum):
    """What is looked at: the first two in bid_db, the last in stats_db."""

    PLACED_BIDS = load_sql(__package__, "count_placed_bids")
    OWED_EVENTS = load_sql(__package__, "count_owed_events")
    COUNTED_BIDS = load_sql(__package__, "count_counted_bids")


@dataclass(frozen=True, slots=True)
class Database:
    """A database to look into, over one kept connection."""

    connection: asyncpg.Connection

    async def shows(self, gauge: Gauge) -> int:
        """What the gauge shows now."""
        return await self.connection.fetchval(gauge.value)

    async def reaches(self, gauge: Gauge, end: int) -> None:
        """Return as soon as the gauge shows `end`. Raises MeasurementFailed where it does not come to that."""
        deadline_seconds = time.monotonic() + REACH_SECONDS_MAX
        while (shown := await self.shows(gauge)) != end:
            if time.monotonic() > deadline_seconds:
                raise MeasurementFailed(f"{gauge.name} is {shown} after {REACH_SECONDS_MAX:.0f} s, not {end}")
            await asyncio.sleep(POLL_SECONDS)

    async def follows(self, gauge: Gauge, end: Callable[[], Awaitable[int]]) -> int:
        """Return as soon as the gauge shows `end`, which may still rise meanwhile. Raises MeasurementFailed."""
        deadline_seconds = time.monotonic() + REACH_SECONDS_MAX
        while (shown := await self.shows(gauge)) != (wanted := await end()):
            if time.monotonic() > deadline_seconds:
                raise MeasurementFailed(f"{gauge.name} is {shown} after {REACH_SECONDS_MAX:.0f} s, not {wanted}")
            await asyncio.sleep(POLL_SECONDS)
        return shown

    async def moves(self, gauge: Gauge, begin: Callable[[], None], end: int) -> float:
        """Begin, and wait until the gauge shows `end`: how many a second, from its first move on.

        So the time that a process takes to start does not count. Raises MeasurementFailed.
        """
        start = await self.shows(gauge)
        beginning = asyncio.create_task(asyncio.to_thread(begin))
        still_seconds = time.monotonic()
        deadline_seconds = still_seconds + REACH_SECONDS_MAX
        while (first := await self.shows(gauge)) == start:
            still_seconds = time.monotonic()
            if still_seconds > deadline_seconds:
                raise MeasurementFailed(f"{gauge.name} does not move")
            await asyncio.sleep(POLL_SECONDS)
        began_seconds = time.monotonic()
        if first == end:
            # All of it between two looks: that many at the least.
            await beginning
            return abs(end - start) / (began_seconds - still_seconds)
        await self.reaches(gauge, end)
        took_seconds = time.monotonic() - began_seconds
        await beginning
        return abs(end - first) / took_seconds


@asynccontextmanager
async def looking_into(url: str) -> AsyncGenerator[Database]:
    """A connection for the context. Raises one of DATABASE_ERRORS."""
    connection = await postgres.connect(url, "gavel-bench")
    try:
        yield Database(connection)
    finally:
        await connection.close()
