"""The outbox table, claimed by state and never by position."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from operator import itemgetter

import asyncpg

from gavel.bids.ports import OutboxMessage, Unavailable
from gavel.runtime.postgres import load_sql

_CLAIM_OUTBOX = load_sql(__package__, "claim_outbox")

# Below the server's idle_in_transaction_session_timeout, so that a silent broker never leaves a claim open.
PUBLISH_SECONDS_MAX = 8.0
MESSAGE_EVENTS_MAX = 500


class PostgresOutbox:
    """Outbox on bid_db. Rows of one routing key travel packed: serialized batches joined are a batch."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def relay(self, publish: Callable[[Sequence[OutboxMessage]], Awaitable[None]], rows_max: int) -> int:
        """See Outbox.relay. If the relay dies after publishing, the claim rolls back: the rows are published again."""
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(_CLAIM_OUTBOX, rows_max)
                if rows:
                    async with asyncio.timeout(PUBLISH_SECONDS_MAX):
                        await publish(_packed(rows))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Unavailable("the outbox could not be relayed") from error
        return sum(row["event_count"] for row in rows)


def _packed(rows: Sequence[asyncpg.Record]) -> list[OutboxMessage]:
    """The rows as few messages, each of one routing key and of about MESSAGE_EVENTS_MAX events at most."""
    messages: list[OutboxMessage] = []
    for routing_key, group in groupby(sorted(rows, key=itemgetter("routing_key")), key=itemgetter("routing_key")):
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
