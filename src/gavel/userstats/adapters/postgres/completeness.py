"""Completeness of the totals on stats_db: seconds of the log compared with the ids that were counted."""

from collections.abc import Sequence
from datetime import timedelta

import asyncpg
from prometheus_client.core import Metric

from gavel.runtime.postgres.connections import array, load_sql
from gavel.runtime.telemetry.metrics import counter, gauge
from gavel.userstats.adapters.postgres.connections import stats_connection, stats_transaction
from gavel.userstats.ports import Checkpoint, IncompleteSecond
from gavel.userstats.use_cases.reconcile import REQUESTS_MAX

_START_CHECK = load_sql(__package__, "start_check")
_NOTE_CHECKPOINT = load_sql(__package__, "note_checkpoint")
_TAKE_INCOMPLETE = load_sql(__package__, "take_incomplete")
_READ_COMPLETENESS = load_sql(__package__, "read_completeness")

# Of all workers together; a little less than a worker's loop idles, so that one worker alone starts each time.
CHECK_PAUSE = timedelta(seconds=4)
# Events that another counter holds are counted by then.
GRACE = timedelta(seconds=4)
INCOMPLETE_SECONDS_MAX = 1_000
# A plan is made once, often while the table is empty, and must find ids by key when it is full.
_BY_KEY = "SET LOCAL enable_seqscan = off"


class PostgresCompleteness:
    """Completeness on stats_db."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._requested_seconds = 0

    async def start_check(self) -> int | None:
        """See Completeness.start_check."""
        async with stats_connection(self._pool) as connection:
            return await connection.fetchval(_START_CHECK, CHECK_PAUSE, REQUESTS_MAX)

    async def note(self, checkpoint: Checkpoint) -> None:
        """See Completeness.note."""
        seconds, events = array(checkpoint.events), array(checkpoint.events.values())
        async with stats_transaction(self._pool) as connection:
            await connection.execute(_BY_KEY)
            await connection.execute(
                _NOTE_CHECKPOINT, seconds, events, checkpoint.until, GRACE, INCOMPLETE_SECONDS_MAX, REQUESTS_MAX
            )

    async def due(self, limit: int) -> Sequence[IncompleteSecond]:
        """See Completeness.due."""
        async with stats_transaction(self._pool) as connection:
            await connection.execute(_BY_KEY)
            rows = await connection.fetch(_TAKE_INCOMPLETE, limit, GRACE, REQUESTS_MAX)
        found = [IncompleteSecond(*row) for row in rows]
        self._requested_seconds += sum(each.requests < REQUESTS_MAX for each in found)
        return found

    async def metrics(self) -> Sequence[Metric]:
        """Source of the metrics. Raises Unavailable."""
        async with stats_connection(self._pool) as connection:
            row = await connection.fetchrow(_READ_COMPLETENESS)
        return [
            gauge(
                "gavel_counter_missing_events",
                "Events of the log that the totals lack, in the seconds that were checked.",
                (),
                {(): row["missing"]},
            ),
            gauge(
                "gavel_counter_checked_age_seconds",
                "Age of the last second of the log that was compared with the totals, by the database's clock.",
                (),
                {(): row["age_seconds"]},
            ),
            counter(
                "gavel_counter_requested_seconds_total",
                "Seconds of the log whose events this worker asked for again.",
                (),
                {(): self._requested_seconds},
            ),
        ]
