"""Rebuild of all totals from the log, in separate tables, while live counting goes on.

The order matters: live counters first count into both sets of tables, then the log is read, then the sets are swapped.
Reading the log before live counters know of the rebuild would lose what they count meanwhile. Copying the ids first
and the totals later would double what comes between.
"""

import asyncio
from collections.abc import AsyncIterable, Sequence
from typing import Any

import asyncpg
import structlog

from gavel.runtime.postgres.connections import load_sql
from gavel.userstats.adapters.postgres.totals import add_to_totals, count_new
from gavel.userstats.domain.events import Event
from gavel.userstats.domain.ids import EventId, first_event_id, is_before
from gavel.userstats.ports import RebuildRunning

_HOLD_REBUILD = load_sql(__package__, "hold_rebuild")
_LOCK_COUNTING = load_sql(__package__, "lock_counting")
_EMPTY_REBUILD = load_sql(__package__, "empty_rebuild")
_START_REBUILD = load_sql(__package__, "start_rebuild")
_USE_REBUILD = load_sql(__package__, "use_rebuild")
_FINISH_REBUILD = load_sql(__package__, "finish_rebuild")

# An advisory lock of the session that rebuilds. Any number does, as long as every version of Gavel uses the same one.
REBUILD_LOCK = 7_226_582_172
# While the swap waits for readers of the tables, counters and later readers queue behind it. So it gives up after this,
# lets them through, and tries again: what was rebuilt stays, and live counting goes on.
LOCK_SECONDS_MAX = 2.0
LOCK_PAUSE_SECONDS = 1.0
FINISH_SECONDS_MAX = 3_600.0

_log = structlog.get_logger(__name__)


async def rebuild(connection: Any, log: AsyncIterable[Sequence[Event]]) -> int:
    """See StatsBook.rebuild. The rebuild ends with its session: after that, counters ignore the new tables."""
    first_known = await _start(connection)
    counted = 0
    async for events in log:
        async with connection.transaction():
            await connection.execute(_USE_REBUILD)
            counted += await _count(connection, events, first_known)
    await _finish(connection)
    return counted


async def _finish(connection: Any) -> None:
    """Swap the tables, for FINISH_SECONDS_MAX at most; then raise the lock error."""
    loop = asyncio.get_running_loop()
    deadline_seconds = loop.time() + FINISH_SECONDS_MAX
    while True:
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = {round(LOCK_SECONDS_MAX * 1_000)}")
                await connection.execute(_LOCK_COUNTING)
                await connection.execute(_FINISH_REBUILD)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            if loop.time() > deadline_seconds:
                raise
            _log.warning("rebuild_lock_retried", error=type(error).__name__)
            await asyncio.sleep(LOCK_PAUSE_SECONDS)
        else:
            return


async def _start(connection: Any) -> EventId:
    """Make all counters count for the rebuild too; the first id that they do not refuse. Raises RebuildRunning."""
    if not await connection.fetchval(_HOLD_REBUILD, REBUILD_LOCK):
        raise RebuildRunning
    async with connection.transaction():
        await connection.execute(_LOCK_COUNTING)
        await connection.execute(_EMPTY_REBUILD)
        return first_event_id(await connection.fetchval(_START_REBUILD))


async def _count(connection: Any, events: Sequence[Event], first_known: EventId) -> int:
    """Count a batch of the log. Events older than the horizon come only from the log, and once: no id is kept."""
    old = [event for event in events if is_before(event.event_id, first_known)]
    await add_to_totals(connection, old)
    return len(old) + await count_new(
        connection, [event for event in events if not is_before(event.event_id, first_known)]
    )
