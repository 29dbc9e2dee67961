"""The broker is killed, frozen, away at the start: all bids are taken, all are counted once, without a restart."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg
import pytest

from gavel.bids.adapters.rabbitmq.publisher import RabbitMqPublisher
from gavel.bids.domain.auction import ItemId
from gavel.bids.ports.outbox import OutboxMessage
from gavel.bids.worker import running_bid_worker
from gavel.runtime.rabbitmq.topology import WorkQueue
from gavel.userstats.adapters.rabbitmq.dead_letters import RabbitMqDeadLetters
from gavel.userstats.adapters.rabbitmq.event_source import RabbitMqEventSource
from gavel.userstats.ports import Unavailable
from gavel.userstats.worker import running_stats_worker
from tests.auction_house import House, new_house
from tests.servers.rabbitmq import RabbitMqServer
from tests.servers.rabbitmq_broker import PATIENCE_SECONDS, Broker, until

__all__ = ["new_house"]

# For half a second after it made a queue, RabbitMQ 3.10 loses it in a crash with all that is in it.
SAVE_QUEUES = "lists:foreach(fun dets:sync/1, dets:all())."

pytestmark = [pytest.mark.integration, pytest.mark.fault]


@dataclass
class Pipeline:
    """A house whose bids go through the broker into a stats_db."""

    house: House
    stats_pool: asyncpg.Pool
    broker: Broker
    publisher: "SeenPublisher"
    dead_letters: RabbitMqDeadLetters
    item_id: ItemId
    accepted: int = 0

    async def bid(self, times: int) -> None:
        """Place bids, each of which is accepted whatever the broker does."""
        for _ in range(times):
            self.accepted += 1
            await self.house.bid(self.item_id, self.accepted)

    async def all_is_counted(self) -> None:
        """Return when nothing is owed any more and every accepted bid is in the totals."""

        async def nothing_is_missing() -> bool:
            return await self.house.owed_events() == 0 and await self._counted() >= self.accepted

        await until(nothing_is_missing)
        assert await self._counted() == self.accepted
        amounts = await self.stats_pool.fetchval("SELECT sum(total_amount) FROM user_stats")
        assert amounts == sum(await self.house.amounts(self.item_id))
        assert list(await self.dead_letters.list(10)) == []

    async def _counted(self) -> int:
        return await self.stats_pool.fetchval("SELECT coalesce(sum(total_bids), 0)::bigint FROM user_stats")

    async def publishing_has_begun(self) -> None:
        """Return when the relay publishes. A frozen broker confirms nothing, so it is in the middle of it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.publisher.begins.wait()


class SeenPublisher(RabbitMqPublisher):
    """The same; `begins` is set whenever it begins to publish."""

    def __init__(self, url: str, queue: WorkQueue) -> None:
        super().__init__(url, queue)
        self.begins = asyncio.Event()

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        """See EventPublisher.publish."""
        self.begins.set()
        await super().publish(messages)


@asynccontextmanager
async def running_pipeline(
    house: House, stats_url: str, stats_pool: asyncpg.Pool, broker: Broker
) -> AsyncGenerator[Pipeline]:
    """The two workers as their processes run them, on one queue."""
    publisher = SeenPublisher(broker.url, broker.queue)
    source = RabbitMqEventSource(broker.url, broker.queue)
    dead_letters = RabbitMqDeadLetters(broker.url, broker.queue)
    async with running_bid_worker(house.url, publisher), running_stats_worker(stats_url, source, dead_letters):
        yield Pipeline(house, stats_pool, broker, publisher, dead_letters, await house.list_item())
    for part in (publisher, source, dead_letters):
        await part.close()


async def test_a_broker_killed_between_publish_and_confirm_gets_it_again_and_it_counts_once(
    new_house: House,
    stats_db_url: str,
    stats_pool: asyncpg.Pool,
    mortal_broker: Broker,
    mortal_rabbitmq: RabbitMqServer,
) -> None:
    async with running_pipeline(new_house, stats_db_url, stats_pool, mortal_broker) as pipeline:
        await pipeline.bid(20)
        await pipeline.all_is_counted()
        await asyncio.to_thread(mortal_rabbitmq.control, "eval", SAVE_QUEUES)
        mortal_rabbitmq.freeze()
        pipeline.publisher.begins.clear()
        # One, since publishing lasts no longer than a confirm is waited for.
        await pipeline.bid(1)
        await pipeline.publishing_has_begun()
        await asyncio.to_thread(mortal_rabbitmq.kill)
        await pipeline.bid(39)
        assert await new_house.owed_events() > 0
        await asyncio.to_thread(mortal_rabbitmq.start)
        await pipeline.bid(20)
        await pipeline.all_is_counted()


async def test_confirmed_and_untaken_messages_come_after_the_broker_was_killed(
    mortal_broker: Broker, mortal_rabbitmq: RabbitMqServer
) -> None:
    sent = [f"{number:02}".encode() for number in range(20)]
    async with AsyncExitStack() as stack:
        publisher = RabbitMqPublisher(mortal_broker.url, mortal_broker.queue)
        stack.push_async_callback(publisher.close)
        await publisher.publish([OutboxMessage("bid.placed", sent[0], 1)])
        await asyncio.to_thread(mortal_rabbitmq.control, "eval", SAVE_QUEUES)
        await publisher.publish([OutboxMessage("bid.placed", body, 1) for body in sent[1:]])
        await asyncio.to_thread(mortal_rabbitmq.kill)
        await asyncio.to_thread(mortal_rabbitmq.start)
        source = RabbitMqEventSource(mortal_broker.url, mortal_broker.queue)
        stack.push_async_callback(source.close)
        # Taken, not counted: what the broker says of a quorum queue is some seconds old, and more after a start.
        came: set[bytes] = set()

        async def all_have_come() -> bool:
            with suppress(Unavailable):
                came.update(delivery.body for delivery in await source.take(len(sent), 0.1))
            return len(came) == len(sent)

        await until(all_have_come)
        assert came == set(sent)


async def test_a_broker_that_is_away_at_the_start_is_found_when_it_comes(
    new_house: House,
    stats_db_url: str,
    stats_pool: asyncpg.Pool,
    mortal_broker: Broker,
    mortal_rabbitmq: RabbitMqServer,
) -> None:
    await asyncio.to_thread(mortal_rabbitmq.stop)
    async with running_pipeline(new_house, stats_db_url, stats_pool, mortal_broker) as pipeline:
        await pipeline.bid(20)
        assert await pipeline.publisher.problem() is not None
        await asyncio.to_thread(mortal_rabbitmq.start)
        await pipeline.all_is_counted()
        assert await pipeline.publisher.problem() is None


async def test_a_frozen_broker_holds_up_no_bid_and_goes_on_when_it_thaws(
    new_house: House,
    stats_db_url: str,
    stats_pool: asyncpg.Pool,
    mortal_broker: Broker,
    mortal_rabbitmq: RabbitMqServer,
) -> None:
    async with running_pipeline(new_house, stats_db_url, stats_pool, mortal_broker) as pipeline:
        await pipeline.bid(20)
        await pipeline.all_is_counted()
        mortal_rabbitmq.freeze()
        pipeline.publisher.begins.clear()
        await pipeline.bid(1)
        await pipeline.publishing_has_begun()
        # Were each to wait for the broker, it would be ten minutes.
        async with asyncio.timeout(60):
            await pipeline.bid(219)
        mortal_rabbitmq.thaw()
        await pipeline.all_is_counted()


async def test_a_broker_that_is_out_of_memory_takes_nothing_and_is_owed_everything_until_it_has_some(
    new_house: House,
    stats_db_url: str,
    stats_pool: asyncpg.Pool,
    mortal_broker: Broker,
    mortal_rabbitmq: RabbitMqServer,
) -> None:
    async with running_pipeline(new_house, stats_db_url, stats_pool, mortal_broker) as pipeline:
        await pipeline.bid(20)
        await pipeline.all_is_counted()
        await asyncio.to_thread(mortal_rabbitmq.control, "set_vm_memory_high_watermark", "absolute", "1MB")
        try:
            await pipeline.bid(20)
            await pipeline.publishing_has_begun()
            assert await new_house.owed_events() == 20
        finally:
            await asyncio.to_thread(mortal_rabbitmq.control, "set_vm_memory_high_watermark", "0.4")
        await pipeline.all_is_counted()
