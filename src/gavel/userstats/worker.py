"""Composition root of the stats worker: the counter, the pruner of event ids, and the reconciler with the log."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta

import structlog

from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.clock import DatabaseClock
from gavel.runtime.postgres.migrations import load_migrations, schema_check
from gavel.runtime.process.loops import Loop
from gavel.runtime.run_process import Parts
from gavel.userstats.adapters.event_codec import EventBatchReader
from gavel.userstats.adapters.postgres.completeness import PostgresCompleteness
from gavel.userstats.adapters.postgres.dead_letters import PostgresDeadLetters
from gavel.userstats.adapters.postgres.stats_book import CounterMetrics, PostgresStatsBook
from gavel.userstats.adapters.rabbitmq.backlog import RabbitMqBacklog
from gavel.userstats.adapters.rabbitmq.dead_letters import RabbitMqDeadLetters
from gavel.userstats.adapters.rabbitmq.event_log import RabbitMqEventLog
from gavel.userstats.adapters.rabbitmq.event_source import RabbitMqEventSource
from gavel.userstats.ports import Completeness, DeadLetters, EventLog, EventSource, Unavailable
from gavel.userstats.settings import StatsWorkerSettings
from gavel.userstats.use_cases.count_events import count_events
from gavel.userstats.use_cases.reconcile import REQUESTS_MAX, reconcile

# The counter waits for messages within its pass; this only keeps the loop from spinning on a source that never waits.
COUNTER_IDLE_SECONDS = 0.005
PRUNER_IDLE_SECONDS = 60.0
RECONCILER_IDLE_SECONDS = 5.0
# The broker keeps nothing for so long, and a relay that was down for so long needs a rebuild.
DEDUP_HORIZON = timedelta(days=30)
FORGET_IDS_MAX = 10_000

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def running_stats_worker(
    stats_db_url: str, source: EventSource, dead_letters: DeadLetters | None = None, log: EventLog | None = None
) -> AsyncGenerator[Parts]:
    """Run the counter and the pruner inside the context, and with a log the reconciler.

    Dead letters go to stats_db if no other store is given.
    """
    async with (
        await postgres.open_pool(stats_db_url, "gavel-stats-worker") as pool,
        await postgres.open_stream_pool(stats_db_url, "gavel-counter") as counter_pool,
        await postgres.open_pool(stats_db_url, "gavel-pruner", 1) as pruner_pool,
    ):
        metrics = CounterMetrics()
        book, reader = PostgresStatsBook(counter_pool, metrics), EventBatchReader()
        memory = PostgresStatsBook(pruner_pool)
        own_letters = PostgresDeadLetters(pool)
        kept = dead_letters or own_letters
        completeness = PostgresCompleteness(pool)

        async def count() -> bool:
            try:
                done = await count_events(source, reader, book, kept)
            except Unavailable:
                metrics.failed()
                raise
            metrics.passed(done)
            if done.dead:
                _log.warning("events_dead_lettered", dead=done.dead)
            return done.deliveries > 0

        clock = DatabaseClock("stats_db")

        async def prune() -> bool:
            if not clock.trusts(await memory.now()):
                return False
            # Each pass stops the counters for a moment: what is less than a full batch can wait.
            return await memory.forget(DEDUP_HORIZON, FORGET_IDS_MAX) == FORGET_IDS_MAX

        async with (
            Loop("counter", count, COUNTER_IDLE_SECONDS, expected=(Unavailable,)).running(),
            Loop("pruner", prune, PRUNER_IDLE_SECONDS, expected=(Unavailable,)).running(),
            reconciler(log, completeness).running() if log else nullcontext(),
        ):
            pools = postgres.pool_source({"stats-worker": pool, "counter": counter_pool, "pruner": pruner_pool})
            checks = {"stats_db": schema_check(pool, load_migrations("gavel.userstats"))}
            own = [*(() if dead_letters else (own_letters.metrics,)), *((completeness.metrics,) if log else ())]
            yield Parts(checks, metrics=[metrics.read, clock.read, pools, *own])


def reconciler(log: EventLog, completeness: Completeness) -> Loop:
    """Loop that compares the totals with the log, and has lost events sent again."""

    async def check() -> bool:
        for each in await reconcile(log, completeness):
            if each.requests < REQUESTS_MAX:
                _log.warning("events_requested_again", second=each.second, missing=each.missing)
            else:
                _log.error("events_missing", second=each.second, missing=each.missing)
        return False

    return Loop("reconciler", check, RECONCILER_IDLE_SECONDS, expected=(Unavailable,))


@asynccontextmanager
async def open_stats_worker(settings: StatsWorkerSettings) -> AsyncGenerator[Parts]:
    """The process `gavel stats-worker`."""
    source = RabbitMqEventSource(str(settings.rabbitmq_url))
    dead_letters = RabbitMqDeadLetters(str(settings.rabbitmq_url))
    backlog = RabbitMqBacklog(str(settings.rabbitmq_url))
    log = RabbitMqEventLog(str(settings.rabbitmq_url))
    try:
        async with running_stats_worker(str(settings.stats_db_url), source, dead_letters, log) as parts:
            yield Parts({**parts.checks, "rabbitmq": source.problem}, metrics=[*parts.metrics, backlog.read])
    finally:
        await source.close()
        await dead_letters.close()
        await backlog.close()
        await log.close()
