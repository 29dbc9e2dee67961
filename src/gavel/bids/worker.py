"""Composition root of the bid worker: the relay."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

from gavel.bids.adapters.postgres_outbox import PostgresOutbox
from gavel.bids.adapters.rabbitmq_publisher import RabbitMqPublisher
from gavel.bids.ports import Change, EventPublisher, EventsNotPublished, Unavailable
from gavel.bids.settings import BidWorkerSettings
from gavel.bids.use_cases.relay_outbox import relay_outbox
from gavel.runtime import postgres
from gavel.runtime.health import Check
from gavel.runtime.loops import Loop
from gavel.runtime.migrations import load_migrations, schema_check
from gavel.runtime.process import Parts

RELAY_IDLE_SECONDS = 0.025
RELAY_WOKEN_IDLE_SECONDS = 1.0


class RelayWaker:
    """CommitListener that wakes a relay of the same process, which then need not poll in haste."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()

    def committed(self, changes: Sequence[Change]) -> None:
        """See CommitListener.committed."""
        if changes:
            self.wake.set()


@asynccontextmanager
async def running_bid_worker(
    bid_db_url: str, publisher: EventPublisher, waker: RelayWaker | None = None
) -> AsyncGenerator[Mapping[str, Check]]:
    """Run the relay inside the context; with a waker it polls only for what other processes left.

    Yields what must hold for the worker to be ready.
    """
    async with await postgres.open_pool(bid_db_url, "gavel-bid-worker") as pool:
        outbox = PostgresOutbox(pool)

        async def relay() -> bool:
            return await relay_outbox(outbox, publisher) > 0

        idle_seconds = RELAY_IDLE_SECONDS if waker is None else RELAY_WOKEN_IDLE_SECONDS
        wake = asyncio.Event() if waker is None else waker.wake
        expected = (EventsNotPublished, Unavailable)
        async with Loop("relay", relay, idle_seconds, expected, wake).running():
            yield {"bid_db": schema_check(pool, load_migrations("gavel.bids"))}


@asynccontextmanager
async def open_bid_worker(settings: BidWorkerSettings) -> AsyncGenerator[Parts]:
    """The process `gavel bid-worker`."""
    publisher = RabbitMqPublisher(str(settings.rabbitmq_url))
    try:
        async with running_bid_worker(str(settings.bid_db_url), publisher) as checks:
            yield Parts({**checks, "rabbitmq": publisher.problem})
    finally:
        await publisher.close()
