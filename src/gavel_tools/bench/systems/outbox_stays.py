"""How long events stay in the outbox: until the relay has the broker's confirm, and has committed that."""

import asyncio
from datetime import UTC, datetime

import asyncpg

from gavel.runtime.postgres.connections import load_sql
from gavel_tools.bench.systems.gauges import Database

_LIST_OWED = load_sql(__package__, "list_owed")

LOOK_SECONDS = 0.003


async def note_stays(outbox: Database, done: asyncio.Event, stays_ms: list[float]) -> None:
    """Add one number an event until it is done, when its row is found gone.

    A row that came and went between two looks is not noted: what is noted is rather too long.
    """
    owed: dict[int, asyncpg.Record] = {}
    while not done.is_set():
        now_owed = {row["id"]: row for row in await outbox.connection.fetch(_LIST_OWED)}
        for row_id in owed.keys() - now_owed.keys():
            stays_ms += [ms_since(owed[row_id]["created_at"])] * owed[row_id]["event_count"]
        owed = now_owed
        await asyncio.sleep(LOOK_SECONDS)


def ms_since(at: datetime) -> float:
    """Milliseconds by this process' clock, which is the database's: both are on one machine."""
    return (datetime.now(UTC) - at).total_seconds() * 1_000
