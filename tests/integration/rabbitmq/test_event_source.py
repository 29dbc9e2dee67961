"""A RabbitMQ queue keeps the promises of an event source, and some of its own."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from gavel.userstats.adapters.rabbitmq.event_source import PREFETCH_MAX, RabbitMqEventSource
from gavel.userstats.ports import Delivery, Unavailable
from tests.integration.rabbitmq.transport import RabbitMqTransport
from tests.servers.fault_proxy import FaultProxy, fault_proxy, upstream_of
from tests.servers.rabbitmq_broker import PATIENCE_SECONDS, Broker, is_lost, until
from tests.suites.event_source_suite import A_MOMENT_SECONDS, EventSourceSuite

pytestmark = pytest.mark.integration


class TestRabbitMqEventSource(EventSourceSuite):
    """The suite on a real broker."""

    @pytest.fixture
    async def transport(self, broker: Broker) -> AsyncGenerator[RabbitMqTransport]:
        transport = RabbitMqTransport(broker)
        yield transport
        await transport.close()


@pytest.fixture
async def proxy(broker: Broker) -> AsyncGenerator[FaultProxy]:
    async with fault_proxy(upstream_of(broker.url)) as proxy:
        yield proxy


@asynccontextmanager
async def opened(url: str, broker: Broker, prefetch: int = PREFETCH_MAX) -> AsyncGenerator[RabbitMqEventSource]:
    """A source, closed on the way out."""
    source = RabbitMqEventSource(url, broker.queue, prefetch)
    try:
        yield source
    finally:
        await source.close()


async def taken(source: RabbitMqEventSource, count: int) -> Sequence[Delivery]:
    """Take until so many are held, through whatever happens to the connection meanwhile."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(Unavailable):
                deliveries = await source.take(count, 0.1)
                if len(deliveries) == count:
                    return deliveries


async def test_no_more_is_held_than_the_prefetch_allows(broker: Broker) -> None:
    sent = [f"{number:02}".encode() for number in range(20)]
    await broker.publish(*sent)
    async with opened(broker.url, broker, prefetch=8) as source:
        first = await taken(source, 8)
        assert len(await source.take(100, A_MOMENT_SECONDS)) == 8
        await source.ack(first[:3])
        assert [each.body for each in await taken(source, 8)] == sent[3:11]
        assert len(await source.take(100, A_MOMENT_SECONDS)) == 8


async def test_two_sources_share_what_the_queue_has(broker: Broker) -> None:
    async with opened(broker.url, broker, prefetch=5) as one, opened(broker.url, broker, prefetch=5) as other:
        assert not await one.take(10, 0)
        assert not await other.take(10, 0)
        await broker.publish(*(f"{number}".encode() for number in range(10)))
        shares = [{each.body for each in await taken(source, 5)} for source in (one, other)]
        assert len(shares[0] | shares[1]) == 10


async def test_what_is_acknowledged_out_of_order_stays_acknowledged(broker: Broker) -> None:
    await broker.publish(b"1", b"2", b"3", b"4", b"5")
    async with opened(broker.url, broker) as source:
        held = await taken(source, 5)
        await source.ack([held[1], held[3]])
        await source.ack([held[1], held[0]])
        assert [each.body for each in await source.take(10, 0)] == [b"3", b"5"]
    assert await broker.bodies() == [b"3", b"5"]


@pytest.mark.fault
async def test_after_a_lost_connection_everything_unacknowledged_comes_again_and_old_tags_are_dead(
    broker: Broker, proxy: FaultProxy
) -> None:
    await broker.publish(b"one", b"two", b"three")
    async with opened(proxy.url(broker.url), broker) as source:
        before = await taken(source, 3)
        proxy.cut_all()
        await until(lambda: is_lost(source))
        again = await taken(source, 3)
        assert [each.body for each in again] == [each.body for each in before]
        assert {each.tag for each in again}.isdisjoint(each.tag for each in before)
        with pytest.raises(Unavailable, match="come again"):
            await source.ack(before[1:])
        await source.ack(again)
        assert not await source.take(10, A_MOMENT_SECONDS)
    assert await broker.bodies() == []


@pytest.mark.fault
async def test_a_broker_that_is_away_at_the_start_is_connected_once_it_is_up(broker: Broker, proxy: FaultProxy) -> None:
    await broker.publish(b"one")
    proxy.refuse()
    async with opened(proxy.url(broker.url), broker) as source:
        for _ in range(3):
            with pytest.raises(Unavailable):
                await source.take(10, A_MOMENT_SECONDS)
        assert await source.problem() is not None
        proxy.behave()
        assert [each.body for each in await taken(source, 1)] == [b"one"]
        assert await source.problem() is None


@pytest.mark.fault
async def test_a_lost_connection_ends_the_waiting_and_the_next_taking_is_on_another(
    broker: Broker, proxy: FaultProxy
) -> None:
    async with opened(proxy.url(broker.url), broker) as source:
        assert not await source.take(10, A_MOMENT_SECONDS)
        taking = asyncio.create_task(source.take(10, PATIENCE_SECONDS))
        await asyncio.sleep(0)
        proxy.cut_all()
        assert not await taking
        await broker.publish(b"one")
        assert [each.body for each in await taken(source, 1)] == [b"one"]


@pytest.mark.fault
async def test_a_connection_that_died_in_silence_is_noticed_by_its_heartbeat(broker: Broker, proxy: FaultProxy) -> None:
    async with opened(f"{proxy.url(broker.url)}?heartbeat=1", broker) as source:
        assert not await source.take(10, A_MOMENT_SECONDS)
        proxy.swallow()
        await source.take(10, PATIENCE_SECONDS)
        proxy.behave()
        await broker.publish(b"one")
        assert [each.body for each in await taken(source, 1)] == [b"one"]


@pytest.mark.fault
async def test_a_queue_deleted_under_the_consumer_is_declared_again_and_what_was_held_is_held_still(
    broker: Broker,
) -> None:
    await broker.publish(b"held")
    async with opened(broker.url, broker) as source:
        held = await taken(source, 1)
        await broker.delete_queue()
        await until(lambda: _consumes_again(source, broker))
        await broker.publish(b"new")
        both = await taken(source, 2)
        assert [each.body for each in both] == [b"held", b"new"]
        assert both[0] == held[0]
        await source.ack(both)
        assert not await source.take(10, A_MOMENT_SECONDS)
    assert await broker.bodies() == []


async def _consumes_again(source: RabbitMqEventSource, broker: Broker) -> bool:
    await source.take(10, 0)
    return await broker.consumers() == 1
