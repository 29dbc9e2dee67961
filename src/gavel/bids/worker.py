"""Composition root of the bid worker: the relay."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from gavel.bids.adapters.postgres_outbox import PostgresOutbox
from gavel.bids.ports import EventPublisher, EventsNotPublished, Unavailable
from gavel.bids.use_cases.relay_outbox import relay_outbox
from gavel.runtime import postgres
from gavel.runtime.loops import Loop

RELAY_IDLE_SECONDS = 0.025


@asynccontextmanager
async def running_bid_worker(bid_db_url: str, publisher: EventPublisher) -> AsyncGenerator[None]:
    """Run the relay inside the context."""
    async with await postgres.open_pool(bid_db_url, "gavel-bid-worker") as pool:
        outbox = PostgresOutbox(pool)

        async def relay() -> bool:
            return await relay_outbox(outbox, publisher) > 0

        async with Loop("relay", relay, RELAY_IDLE_SECONDS, expected=(EventsNotPublished, Unavailable)).running():
            yield
