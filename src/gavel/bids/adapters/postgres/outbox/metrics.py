"""What is owed to the broker, and how it is handed on."""

from collections.abc import Sequence

import asyncpg
from prometheus_client.core import Metric

from gavel.bids.adapters.postgres.connections import reading
from gavel.runtime.postgres.connections import load_sql
from gavel.runtime.telemetry.histogram import LONG_SECONDS, Histogram
from gavel.runtime.telemetry.metrics import Source, counter, gauge, histogram

_READ_OUTBOX_DEPTH = load_sql(__package__, "read_outbox_depth")

# What one look counts; a backlog above it is told as this many rows.
OUTBOX_ROWS_COUNTED_MAX = 100_000
RELAY_EVENTS = (1, 4, 16, 64, 256, 1_000, 4_000, 16_000, 64_000)


class RelayMetrics:
    """The passes of a relay."""

    def __init__(self) -> None:
        self.events = 0
        self.batch = Histogram(RELAY_EVENTS)
        self.waited = Histogram(LONG_SECONDS)
        self.retries = 0

    def relayed(self, events: int) -> None:
        """Count a pass that handed on so many events."""
        if events:
            self.events += events
            self.batch.observe(events)

    async def read(self) -> Sequence[Metric]:
        """Source of the metrics."""
        return [
            counter("gavel_relay_events_total", "Events handed to the broker and confirmed.", (), {(): self.events}),
            histogram("gavel_relay_batch_events", "Events in a pass of the relay.", (), {(): self.batch}),
            histogram(
                "gavel_outbox_wait_seconds",
                "How long the oldest row of a pass had waited when it was claimed, by the database's clock.",
                (),
                {(): self.waited},
            ),
            counter("gavel_relay_retries_total", "Passes that failed and are tried again.", (), {(): self.retries}),
        ]


def outbox_source(pool: asyncpg.Pool) -> Source:
    """What is owed now, as bid_db has it."""

    async def read() -> Sequence[Metric]:
        async with reading(pool) as connection:
            row = await connection.fetchrow(_READ_OUTBOX_DEPTH, OUTBOX_ROWS_COUNTED_MAX)
        age = "Age of the oldest row that is owed, by the database's clock; 0 where none is."
        return [
            gauge("gavel_outbox_rows", "Rows that are owed to the broker.", (), {(): row["rows"]}),
            gauge("gavel_outbox_events", "Events in those rows.", (), {(): row["events"]}),
            gauge("gavel_outbox_oldest_age_seconds", age, (), {(): row["oldest_age_seconds"]}),
        ]

    return read
