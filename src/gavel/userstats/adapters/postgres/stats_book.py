"""The stats book on Postgres: ids and totals in one transaction, for many events at once."""

from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import asyncpg
from opentelemetry.trace import SpanKind
from prometheus_client.core import Metric

from gavel.runtime.postgres.connections import load_sql
from gavel.runtime.telemetry import tracing
from gavel.runtime.telemetry.histogram import LONG_SECONDS, Histogram
from gavel.runtime.telemetry.metrics import counter, histogram
from gavel.userstats.adapters.postgres.connections import stats_connection, stats_transaction
from gavel.userstats.adapters.postgres.rebuild import REBUILD_LOCK, rebuild
from gavel.userstats.adapters.postgres.totals import count_new
from gavel.userstats.domain.events import Event
from gavel.userstats.domain.ids import EventId, UserId, first_event_id, is_before
from gavel.userstats.domain.user_stats import UserStats
from gavel.userstats.ports import Counted, TopPosition
from gavel.userstats.use_cases.count_events import TRANSACTION_EVENTS_MAX, CounterPass

_READ_CLOCK = load_sql(__package__, "read_clock")
_LOCK_COUNTING_SHARED = load_sql(__package__, "lock_counting_shared")
_LOCK_COUNTING = load_sql(__package__, "lock_counting")
_READ_COUNTING = load_sql(__package__, "read_counting")
_USE_REBUILD = load_sql(__package__, "use_rebuild")
_MOVE_HORIZON = load_sql(__package__, "move_horizon")
_FORGET_EVENT_IDS = load_sql(__package__, "forget_event_ids")
_READ_USER_STATS = load_sql(__package__, "read_user_stats")
_LIST_TOP_BIDDERS = load_sql(__package__, "list_top_bidders")
_READ_COUNTED_EVENT = load_sql(__package__, "read_counted_event")

# Buckets of a histogram.
TRANSACTION_EVENTS = (1, 4, 16, 64, 256, 1_000, TRANSACTION_EVENTS_MAX)

_TOP = TopPosition(2**63 - 1, UserId("ffffffff-ffff-ffff-ffff-ffffffffffff"))


class CounterMetrics:
    """Counter metrics: events by outcome, and the transactions that counted them."""

    def __init__(self) -> None:
        self._total = CounterPass()
        self._retries = 0
        self._events = Histogram(TRANSACTION_EVENTS)
        self._seconds = Histogram()
        self._lag = Histogram(LONG_SECONDS)

    def passed(self, done: CounterPass) -> None:
        """Count a pass that succeeded."""
        self._total += done

    def failed(self) -> None:
        """Count a pass that failed."""
        self._retries += 1

    def committed(self, events: Sequence[Event], seconds: float) -> None:
        """Record a transaction and its duration. The lag is that of its oldest event, by this machine's clock."""
        self._events.observe(len(events))
        self._seconds.observe(seconds)
        if events:
            oldest = min(event.at for event in events)
            self._lag.observe(max(0.0, (datetime.now(UTC) - oldest).total_seconds()))

    async def read(self) -> Sequence[Metric]:
        """Source of the metrics."""
        total = self._total
        events = {("counted",): total.new, ("duplicate",): total.duplicates, ("dead",): total.dead}
        return [
            counter(
                "gavel_counter_events_total",
                "Events taken from the broker: counted, duplicate (counted before), or dead (set aside with a reason).",
                ("outcome",),
                events,
            ),
            counter("gavel_counter_messages_total", "Messages acknowledged.", (), {(): total.deliveries}),
            counter("gavel_counter_retries_total", "Passes that failed and are tried again.", (), {(): self._retries}),
            histogram("gavel_counter_transaction_events", "Events in a transaction.", (), {(): self._events}),
            histogram("gavel_counter_transaction_seconds", "How long a transaction took.", (), {(): self._seconds}),
            histogram(
                "gavel_counter_lag_seconds",
                "From the time of a transaction's oldest event until it is counted, by the counter's clock.",
                (),
                {(): self._lag},
            ),
        ]


class PostgresStatsBook:
    """StatsBook on stats_db."""

    def __init__(self, pool: asyncpg.Pool, metrics: CounterMetrics | None = None) -> None:
        self._pool = pool
        self._metrics = metrics or CounterMetrics()

    async def count(self, events: Sequence[Event]) -> Counted:
        """See StatsBook.count. While a rebuild runs, the events count for its totals too, in the same transaction."""
        started_seconds = perf_counter()
        async with stats_transaction(self._pool) as connection:
            await connection.execute(_LOCK_COUNTING_SHARED)
            counting = await connection.fetchrow(_READ_COUNTING, REBUILD_LOCK)
            first_known = first_event_id(counting["forgotten_before"])
            known = [event for event in events if not is_before(event.event_id, first_known)]
            new = await count_new(connection, known)
            if counting["rebuilding"]:
                await connection.execute(_USE_REBUILD)
                await count_new(connection, known)
        self._committed(events, new, started_seconds)
        forgotten = [event.event_id for event in events if is_before(event.event_id, first_known)]
        return Counted(new, len(known) - new, forgotten)

    def _committed(self, events: Sequence[Event], new: int, started_seconds: float) -> None:
        ended_seconds = perf_counter()
        self._metrics.committed(events, ended_seconds - started_seconds)
        if tracing.is_on:
            tracing.record(
                "write stats",
                [event.traceparent for event in events],
                started_seconds,
                ended_seconds,
                kind=SpanKind.CLIENT,
                attributes={"db.system.name": "postgresql", "gavel.events": len(events), "gavel.events.new": new},
            )

    async def stats_of(self, user_id: UserId) -> UserStats | None:
        """See StatsBook.stats_of."""
        async with stats_connection(self._pool) as connection:
            row = await connection.fetchrow(_READ_USER_STATS, user_id)
        return None if row is None else UserStats(*row)

    async def top_bidders(self, after: TopPosition | None, limit: int) -> list[UserStats]:
        """See StatsBook.top_bidders."""
        position = after or _TOP
        async with stats_connection(self._pool) as connection:
            rows = await connection.fetch(_LIST_TOP_BIDDERS, position.amount_won, position.user_id, limit)
        return [UserStats(*row) for row in rows]

    async def forget(self, older_than: timedelta, limit: int) -> int:
        """See StatsBook.forget. Moves the horizon before it deletes ids, so that no counter uses the old horizon."""
        async with stats_connection(self._pool) as connection:
            async with connection.transaction():
                await connection.execute(_LOCK_COUNTING)
                forgotten_before = await connection.fetchval(_MOVE_HORIZON, older_than)
            status: str = await connection.execute(_FORGET_EVENT_IDS, first_event_id(forgotten_before), limit)
        return _rows(status)

    async def now(self) -> datetime:
        """Read the database's clock. Raises Unavailable."""
        async with stats_connection(self._pool) as connection:
            return await connection.fetchval(_READ_CLOCK)

    async def rebuild(self, log: AsyncIterable[Sequence[Event]]) -> int:
        """See StatsBook.rebuild."""
        async with stats_connection(self._pool) as connection:
            return await rebuild(connection, log)


@dataclass(frozen=True, slots=True)
class CountedEvent:
    """Whether an event was counted, and when that was committed, by stats_db's clock.

    `counted` is None if its id has been forgotten; `at` is None if the server keeps no commit times.
    """

    counted: bool | None
    at: datetime | None


async def counted_event(connection: asyncpg.Connection, event_id: EventId) -> CountedEvent:
    """Look up one event in stats_db: for operators, never for counting."""
    [row] = await connection.fetch(_READ_COUNTED_EVENT, event_id)
    forgotten = not row["counted"] and is_before(event_id, first_event_id(row["forgotten_before"]))
    return CountedEvent(None if forgotten else row["counted"], row["counted_at"])


def _rows(status: Any) -> int:
    """Number of rows that a statement changed, from its command tag: DELETE 42."""
    return int(status.rpartition(" ")[2])
