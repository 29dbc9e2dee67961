"""Outbox table: rows are claimed by state and never by position."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from math import inf
from operator import itemgetter
from time import monotonic, perf_counter

import asyncpg
from prometheus_client.core import Metric

from gavel.bids.adapters.postgres.connections import borrowed, reading
from gavel.bids.adapters.postgres.outbox.event_codec import sampled_traces
from gavel.bids.ports.outbox import EventsNotPublished, OutboxMessage
from gavel.runtime.postgres.connections import leaves_connection_in_doubt, load_sql
from gavel.runtime.telemetry.histogram import LONG_SECONDS, Histogram
from gavel.runtime.telemetry.metrics import Source, counter, gauge, histogram
from gavel.runtime.telemetry.tracing import record

_CLAIM_OUTBOX = load_sql(__package__, "claim_outbox")
_READ_OUTBOX_DEPTH = load_sql(__package__, "read_outbox_depth")
# The plan is made once, often while the table is empty, and must not turn into a scan of a backlog.
CLAIM_SETTINGS = "SET LOCAL enable_seqscan = off"
_BEGIN = f"BEGIN ISOLATION LEVEL READ COMMITTED; {CLAIM_SETTINGS}"

# Below the server's idle_in_transaction_session_timeout, so that a silent broker never leaves a claim open.
PUBLISH_SECONDS_MAX = 8.0
# How often a claim starts at the first row, and not where claims were at the time before. While a snapshot is held, as
# by a dump, the server removes no row that was deleted since, and a claim from the first passes over all of them. A row
# that becomes visible late, or that another relay claimed in vain, is found by the next claim from the first.
WHOLE_CLAIM_SECONDS = 10.0
# A row packs what one batch of the lane committed, up to hundreds of KB: a limit on rows alone is no bound.
CLAIM_BYTES_MAX = 4 * 1024 * 1024
# One batch of the lane can make more events than this, and its row is not split.
MESSAGE_EVENTS_MAX = 500
# Rows counted in one reading of the metrics. A longer backlog is shown as this many.
OUTBOX_ROWS_COUNTED_MAX = 100_000
RELAY_EVENTS = (1, 4, 16, 64, 256, 1_000, 4_000, 16_000, 64_000)


class RelayMetrics:
    """Counts of a relay's passes."""

    def __init__(self) -> None:
        self.events = 0
        self.batch = Histogram(RELAY_EVENTS)
        self.waited = Histogram(LONG_SECONDS)
        self.retries = 0

    def relayed(self, events: int) -> None:
        """Count a pass that published so many events."""
        if events:
            self.events += events
            self.batch.observe(events)

    async def read(self) -> Sequence[Metric]:
        """Source of the metrics."""
        return [
            counter("gavel_relay_events_total", "Events that the broker has confirmed.", (), {(): self.events}),
            histogram("gavel_relay_batch_events", "Events in a pass of the relay.", (), {(): self.batch}),
            histogram(
                "gavel_outbox_wait_seconds",
                "How long the oldest row of a pass had waited when it was claimed, by the database's clock.",
                (),
                {(): self.waited},
            ),
            counter("gavel_relay_retries_total", "Passes that failed and are tried again.", (), {(): self.retries}),
        ]


class _ClaimStarts:
    """Ids at which claims start: behind what was deleted WHOLE_CLAIM_SECONDS ago, and at times at the first."""

    def __init__(self) -> None:
        self._newest_id = 0
        self._newest_id_before = 0
        self._start_id = 0
        self._whole_at_seconds = -inf

    def next_start(self, now_seconds: float) -> int:
        if now_seconds < self._whole_at_seconds:
            return self._start_id
        self._whole_at_seconds = now_seconds + WHOLE_CLAIM_SECONDS
        self._start_id, self._newest_id_before = self._newest_id_before, self._newest_id
        return 0

    def claimed(self, rows: Sequence[asyncpg.Record]) -> None:
        self._newest_id = max(self._newest_id, *(row["id"] for row in rows), 0)


class PostgresOutbox:
    """Outbox on bid_db. Rows of one routing key share messages: serialized batches joined are a batch."""

    def __init__(
        self, pool: asyncpg.Pool, metrics: RelayMetrics | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._pool = pool
        self._metrics = metrics or RelayMetrics()
        self._clock = clock
        self._starts = _ClaimStarts()

    async def relay(self, publish: Callable[[Sequence[OutboxMessage]], Awaitable[None]], rows_max: int) -> int:
        """See Outbox.relay. At most CLAIM_BYTES_MAX and a row are held at once.

        If the relay dies after publishing, the claim rolls back: the rows are published again.
        """
        async with borrowed(self._pool, "the outbox could not be relayed") as connection:
            await connection.execute(_BEGIN)
            try:
                first_id = self._starts.next_start(self._clock())
                rows = await connection.fetch(_CLAIM_OUTBOX, rows_max, CLAIM_BYTES_MAX, first_id)
                if rows:
                    messages = _packed(rows)
                    self._claimed(rows, messages)
                    await _publish_in_time(publish, messages)
            except BaseException as error:
                if not leaves_connection_in_doubt(error):
                    await connection.execute("ROLLBACK")
                raise
            await connection.execute("COMMIT")
        self._starts.claimed(rows)
        events = sum(row["event_count"] for row in rows)
        self._metrics.relayed(events)
        return events

    def _claimed(self, rows: Sequence[asyncpg.Record], messages: Sequence[OutboxMessage]) -> None:
        """Record how long these rows waited, as a metric and as a span."""
        waited_seconds = max(row["waited_seconds"] for row in rows)
        self._metrics.waited.observe(waited_seconds)
        if traces := [trace for message in messages for trace in message.traces]:
            now = perf_counter()
            record("wait in outbox", traces, now - waited_seconds, now, attributes={"gavel.outbox.rows": len(rows)})


async def _publish_in_time(
    publish: Callable[[Sequence[OutboxMessage]], Awaitable[None]], messages: Sequence[OutboxMessage]
) -> None:
    try:
        async with asyncio.timeout(PUBLISH_SECONDS_MAX):
            await publish(messages)
    except TimeoutError as error:
        raise EventsNotPublished(f"no answer within {PUBLISH_SECONDS_MAX:g} s") from error


def _packed(rows: Sequence[asyncpg.Record]) -> list[OutboxMessage]:
    """Pack the rows, oldest first, into few messages of one routing key and about MESSAGE_EVENTS_MAX events each."""
    messages: list[OutboxMessage] = []
    in_order = sorted(rows, key=itemgetter("routing_key", "id"))
    for routing_key, group in groupby(in_order, key=itemgetter("routing_key")):
        bodies: list[bytes] = []
        event_count = 0
        for row in group:
            if bodies and event_count + row["event_count"] > MESSAGE_EVENTS_MAX:
                messages.append(_message(routing_key, bodies, event_count))
                bodies, event_count = [], 0
            bodies.append(row["body"])
            event_count += row["event_count"]
        messages.append(_message(routing_key, bodies, event_count))
    return messages


def _message(routing_key: str, bodies: Sequence[bytes], event_count: int) -> OutboxMessage:
    return OutboxMessage(routing_key, b"".join(bodies), event_count, tuple(sampled_traces(bodies)))


def outbox_source(pool: asyncpg.Pool) -> Source:
    """Metrics of the outbox's backlog in bid_db."""

    async def read() -> Sequence[Metric]:
        async with reading(pool) as connection:
            row = await connection.fetchrow(_READ_OUTBOX_DEPTH, OUTBOX_ROWS_COUNTED_MAX)
        age = "Age of the oldest outbox row, by the database's clock; 0 if there is none."
        return [
            gauge("gavel_outbox_rows", "Outbox rows not yet published.", (), {(): row["rows"]}),
            gauge("gavel_outbox_events", "Events in those rows.", (), {(): row["events"]}),
            gauge("gavel_outbox_oldest_age_seconds", age, (), {(): row["oldest_age_seconds"]}),
        ]

    return read
