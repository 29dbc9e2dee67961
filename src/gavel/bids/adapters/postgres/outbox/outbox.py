"""The outbox table, claimed by state and never by position."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from operator import itemgetter
from time import perf_counter

import asyncpg

from gavel.bids.adapters.postgres.connections import borrowed
from gavel.bids.adapters.postgres.outbox.event_traces import sampled_traces
from gavel.bids.adapters.postgres.outbox.metrics import RelayMetrics
from gavel.bids.ports.outbox import EventsNotPublished, OutboxMessage
from gavel.runtime.postgres.connections import leaves_connection_in_doubt, load_sql
from gavel.runtime.telemetry.tracing import record

_CLAIM_OUTBOX = load_sql(__package__, "claim_outbox")
# The plan is made once, often while the table is empty, and must not turn into a scan of a backlog.
CLAIM_SETTINGS = "SET LOCAL enable_seqscan = off"
_BEGIN = f"BEGIN ISOLATION LEVEL READ COMMITTED; {CLAIM_SETTINGS}"

# Below the server's idle_in_transaction_session_timeout, so that a silent broker never leaves a claim open.
PUBLISH_SECONDS_MAX = 8.0
# A row packs what one batch of the lane committed, up to hundreds of KB: by rows alone a claim would have no bound.
CLAIM_BYTES_MAX = 4 * 1024 * 1024
# One batch of the lane can make more than this, and its row travels whole.
MESSAGE_EVENTS_MAX = 500


class PostgresOutbox:
    """Outbox on bid_db. Rows of one routing key travel packed: serialized batches joined are a batch."""

    def __init__(self, pool: asyncpg.Pool, metrics: RelayMetrics | None = None) -> None:
        self._pool = pool
        self._metrics = metrics or RelayMetrics()

    async def relay(self, publish: Callable[[Sequence[OutboxMessage]], Awaitable[None]], rows_max: int) -> int:
        """See Outbox.relay. No more is held at once than CLAIM_BYTES_MAX and a row.

        If the relay dies after publishing, the claim rolls back: the rows are published again.
        """
        async with borrowed(self._pool, "the outbox could not be relayed") as connection:
            await connection.execute(_BEGIN)
            try:
                rows = await connection.fetch(_CLAIM_OUTBOX, rows_max, CLAIM_BYTES_MAX)
                if rows:
                    self._claimed(rows)
                    await _publish_in_time(publish, _packed(rows))
            except BaseException as error:
                if not leaves_connection_in_doubt(error):
                    await connection.execute("ROLLBACK")
                raise
            await connection.execute("COMMIT")
        events = sum(row["event_count"] for row in rows)
        self._metrics.relayed(events)
        return events

    def _claimed(self, rows: Sequence[asyncpg.Record]) -> None:
        """Tell how long these rows had been owed."""
        waited_seconds = max(row["waited_seconds"] for row in rows)
        self._metrics.waited.observe(waited_seconds)
        if traces := sampled_traces(row["body"] for row in rows):
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
    """The rows, oldest first, as few messages, each of one routing key and of about MESSAGE_EVENTS_MAX events."""
    messages: list[OutboxMessage] = []
    in_order = sorted(rows, key=itemgetter("routing_key", "id"))
    for routing_key, group in groupby(in_order, key=itemgetter("routing_key")):
        bodies: list[bytes] = []
        event_count = 0
        for row in group:
            if bodies and event_count + row["event_count"] > MESSAGE_EVENTS_MAX:
                messages.append(OutboxMessage(routing_key, b"".join(bodies), event_count))
                bodies, event_count = [], 0
            bodies.append(row["body"])
            event_count += row["event_count"]
        messages.append(OutboxMessage(routing_key, b"".join(bodies), event_count))
    return messages
