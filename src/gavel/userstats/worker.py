"""Composition root of the stats worker: the counter, and the pruner that keeps its memory of ids bounded."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from gavel.runtime import postgres
from gavel.runtime.health import Check
from gavel.runtime.loops import Loop
from gavel.runtime.migrations import load_migrations, schema_check
from gavel.userstats.adapters.postgres_dead_letters import PostgresDeadLetters
from gavel.userstats.adapters.postgres_stats_book import PostgresStatsBook
from gavel.userstats.adapters.wire import EventBatchReader
from gavel.userstats.ports import DeadLetters, EventSource, Unavailable
from gavel.userstats.use_cases.count_events import count_events
from gavel.userstats.use_cases.forget_event_ids import forget_event_ids

# The counter waits for messages within its pass; this only keeps a source that answers at once from spinning.
COUNTER_IDLE_SECONDS = 0.005
PRUNER_IDLE_SECONDS = 60.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StatsWorker:
    """What must hold for the worker to be ready."""

    checks: Mapping[str, Check]


@asynccontextmanager
async def running_stats_worker(
    stats_db_url: str, source: EventSource, dead_letters: DeadLetters | None = None
) -> AsyncGenerator[StatsWorker]:
    """Run the counter and the pruner inside the context. Dead letters go to stats_db where no broker keeps them."""
    async with await postgres.open_pool(stats_db_url, "gavel-stats-worker") as pool:
        book, reader = PostgresStatsBook(pool), EventBatchReader()
        kept = dead_letters or PostgresDeadLetters(pool)

        async def count() -> bool:
            done = await count_events(source, reader, book, kept)
            if done.dead:
                _log.warning("events_dead", dead=done.dead)
            return done.deliveries > 0

        async def prune() -> bool:
            return await forget_event_ids(book) > 0

        async with (
            Loop("counter", count, COUNTER_IDLE_SECONDS, expected=(Unavailable,)).running(),
            Loop("pruner", prune, PRUNER_IDLE_SECONDS, expected=(Unavailable,)).running(),
        ):
            yield StatsWorker({"stats_db": schema_check(pool, load_migrations("gavel.userstats"))})
