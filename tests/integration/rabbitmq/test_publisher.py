"""Published means confirmed, and whatever else happens is said in time."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel

from gavel.bids.adapters.rabbitmq import publisher as rabbitmq_publisher
from gavel.bids.adapters.rabbitmq.publisher import PUBLISH_SECONDS_MAX, RabbitMqPublisher
from gavel.bids.ports.outbox import EventsNotPublished, OutboxMessage
from gavel.runtime.rabbitmq.connection import (
    CLOSE_SECONDS_MAX,
    CONNECT_SECONDS_MAX,
    IN_FLIGHT_MAX,
    passing_channel,
    publish_confirmed,
)
from gavel.userstats.adapters.rabbitmq import event_source as rabbitmq_event_source
from tests.servers.fault_proxy import FaultProxy, Towards, fault_proxy, upstream_of
from tests.servers.rabbitmq_broker import Broker, is_lost, until

pytestmark = pytest.mark.integration

BOUND_SECONDS = CONNECT_SECONDS_MAX + PUBLISH_SECONDS_MAX + CLOSE_SECONDS_MAX + 1.0


def message(body: bytes, routing_key: str = "bid.placed") -> OutboxMessage:
    """A message of one event, whatever its bytes."""
    return OutboxMessage(routing_key, body, 1)


@pytest.fixture
async def publisher(broker: Broker) -> AsyncGenerator[RabbitMqPublisher]:
    publisher = RabbitMqPublisher(broker.url, broker.queue)
    yield publisher
    await publisher.close()


@pytest.fixture
async def proxy(broker: Broker) -> AsyncGenerator[FaultProxy]:
    async with fault_proxy(upstream_of(broker.url)) as proxy:
        yield proxy


@pytest.fixture
async def harmed(broker: Broker, proxy: FaultProxy) -> AsyncGenerator[RabbitMqPublisher]:
    """A publisher whose way to the broker leads through the proxy."""
    publisher = RabbitMqPublisher(proxy.url(broker.url), broker.queue)
    yield publisher
    await publisher.close()


async def fails_in_time(publisher: RabbitMqPublisher, *messages: OutboxMessage) -> None:
    """The messages are not published, and that is said within the bound."""
    async with asyncio.timeout(BOUND_SECONDS):
        with pytest.raises(EventsNotPublished):
            await publisher.publish(messages)


async def test_what_was_published_is_in_the_queue_before_anyone_consumed(
    broker: Broker, publisher: RabbitMqPublisher
) -> None:
    bodies = sorted(f"{number:03}".encode() for number in range(10 * IN_FLIGHT_MAX))
    await publisher.publish([message(body) for body in bodies])
    assert await broker.bodies() == bodies


async def test_each_message_has_the_properties_of_the_contract(broker: Broker, publisher: RabbitMqPublisher) -> None:
    await publisher.publish([message(b"one", "bid.placed"), message(b"two", "auction.closed")])
    messages = await broker.messages()
    assert {each.body: each.routing_key for each in messages} == {b"one": "bid.placed", b"two": "auction.closed"}
    for each in messages:
        assert each.type == "events.v1.EventBatch"
        assert each.content_type == "application/protobuf"
        assert each.delivery_mode is DeliveryMode.PERSISTENT
        assert each.timestamp is not None
        assert abs(each.timestamp - datetime.now(UTC)) < timedelta(seconds=30)
    assert len({UUID(each.message_id) for each in messages}) == 2


async def test_publishing_nothing_is_allowed(publisher: RabbitMqPublisher) -> None:
    await publisher.publish([])


async def test_a_large_message_arrives_whole(broker: Broker, publisher: RabbitMqPublisher) -> None:
    body = bytes(range(256)) * 4_000
    await publisher.publish([message(body)])
    assert await broker.bodies() == [body]


def test_publisher_and_consumer_declare_the_same() -> None:
    assert rabbitmq_publisher.STATS_EVENTS == rabbitmq_event_source.STATS_EVENTS


@pytest.mark.fault
@pytest.mark.parametrize("harm", [Broker.delete_queue, Broker.delete_binding, Broker.delete_exchange])
async def test_a_deleted_queue_binding_or_exchange_is_noticed_and_declared_again_and_nothing_is_lost(
    broker: Broker, publisher: RabbitMqPublisher, harm: Callable[[Broker], Awaitable[None]]
) -> None:
    await publisher.publish([])
    await harm(broker)
    owed = [message(f"{number}".encode()) for number in range(40)]
    await fails_in_time(publisher, *owed)
    await publisher.publish(owed)
    assert set(await broker.bodies()) == {each.body for each in owed}


@pytest.mark.fault
async def test_a_confirm_that_never_comes_fails_in_time_and_the_next_try_goes_through(
    broker: Broker, proxy: FaultProxy, harmed: RabbitMqPublisher
) -> None:
    await harmed.publish([message(b"before")])
    proxy.swallow()
    await fails_in_time(harmed, *(message(b"owed") for _ in range(3 * IN_FLIGHT_MAX)))
    proxy.behave()
    await harmed.publish([message(b"owed")])
    assert set(await broker.bodies()) == {b"before", b"owed"}


@pytest.mark.fault
async def test_a_broker_that_takes_connections_and_sends_nothing_times_out(
    proxy: FaultProxy, harmed: RabbitMqPublisher
) -> None:
    proxy.hold()
    await fails_in_time(harmed, message(b"owed"))


@pytest.mark.fault
async def test_a_connection_cut_between_publish_and_confirm_is_no_success_and_the_message_is_published_again(
    broker: Broker, proxy: FaultProxy, harmed: RabbitMqPublisher
) -> None:
    await harmed.publish([])
    cut = proxy.cut_after(b"the body of it", Towards.SERVER)
    await fails_in_time(harmed, message(b"the body of it"))
    assert cut.struck.is_set()
    await harmed.publish([message(b"the body of it")])
    assert set(await broker.bodies()) == {b"the body of it"}


@pytest.mark.fault
async def test_whenever_the_connection_is_cut_what_was_confirmed_is_in_the_queue(
    broker: Broker, proxy: FaultProxy, harmed: RabbitMqPublisher
) -> None:
    chance = random.Random(20)
    said: set[bytes] = set()
    tries = 0
    while tries < 80 or not said:
        tries += 1
        owed = [message(f"{tries}:{number}".encode()) for number in range(5)]
        publishing = asyncio.create_task(harmed.publish(owed))
        # Later and later, for a machine on which nothing comes through in so few turns.
        for _ in range(chance.randrange(400 * (1 + tries // 80))):
            await asyncio.sleep(0)
        proxy.cut_all()
        try:
            await publishing
        except EventsNotPublished:
            continue
        said |= {each.body for each in owed}
    assert tries > len(said) / 5
    await until(lambda: is_lost(harmed))
    await harmed.publish([message(b"the last")])
    assert set(await broker.bodies()) >= said | {b"the last"}


@pytest.mark.fault
async def test_a_connection_lost_while_idle_costs_nothing(
    broker: Broker, proxy: FaultProxy, harmed: RabbitMqPublisher
) -> None:
    await harmed.publish([message(b"one")])
    proxy.cut_all()
    await until(lambda: is_lost(harmed))
    await harmed.publish([message(b"two")])
    assert await broker.bodies() == [b"one", b"two"]


@pytest.mark.fault
async def test_a_broker_that_is_away_at_the_start_is_reported_and_connected_once_it_is_up(
    broker: Broker, proxy: FaultProxy, harmed: RabbitMqPublisher
) -> None:
    proxy.refuse()
    await fails_in_time(harmed, message(b"owed"))
    assert await harmed.problem() is not None
    proxy.behave()
    assert await harmed.problem() is None
    await harmed.publish([message(b"owed")])
    assert await broker.bodies() == [b"owed"]


@pytest.mark.fault
async def test_no_more_than_the_limit_is_on_its_way_while_the_broker_is_slow(broker: Broker, proxy: FaultProxy) -> None:
    owed = [("bid.placed", Message(f"{number:03}".encode())) for number in range(10 * IN_FLIGHT_MAX)]
    async with passing_channel(proxy.url(broker.url), "tests", broker.queue.declare) as channel:
        await _never_more_than_the_limit(channel, broker.queue.exchange, owed, proxy)
    assert await broker.bodies() == [sent.body for _, sent in owed]


async def _never_more_than_the_limit(
    channel: AbstractChannel, exchange: str, owed: list[tuple[str, Message]], proxy: FaultProxy
) -> None:
    amqp: Any = await channel.get_underlay_channel()
    proxy.hold()
    publishing = asyncio.create_task(publish_confirmed(channel, exchange, owed))
    most = 0

    async def all_are_sent_that_may_be() -> bool:
        nonlocal most
        most = max(most, len(amqp.confirmations))
        return most >= IN_FLIGHT_MAX

    await until(all_are_sent_that_may_be)
    proxy.behave()
    while not publishing.done():
        await all_are_sent_that_may_be()
        await asyncio.sleep(0)
    await publishing
    assert most == IN_FLIGHT_MAX


@pytest.mark.fault
async def test_closing_is_bounded_where_the_broker_is_frozen(proxy: FaultProxy, harmed: RabbitMqPublisher) -> None:
    await harmed.publish([])
    proxy.hold()
    async with asyncio.timeout(CLOSE_SECONDS_MAX + 60):
        await harmed.close()


async def test_refused_credentials_are_reported_without_showing_them(broker: Broker) -> None:
    publisher = RabbitMqPublisher(broker.url.replace("guest:guest@", "guest:s3cret@"), broker.queue)
    with pytest.raises(EventsNotPublished, match="ACCESS_REFUSED") as refused:
        await publisher.publish([message(b"owed")])
    assert "s3cret" not in str(refused.value)
    problem = await publisher.problem()
    assert problem is not None
    assert "s3cret" not in problem


@pytest.mark.fault
async def test_a_cancelled_publish_leaves_a_publisher_that_works(
    broker: Broker, proxy: FaultProxy, harmed: RabbitMqPublisher
) -> None:
    await harmed.publish([])
    proxy.hold()
    publishing = asyncio.create_task(harmed.publish([message(b"cancelled")]))
    await asyncio.sleep(0)
    publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing
    proxy.behave()
    await harmed.publish([message(b"next")])
    assert b"next" in await broker.bodies()
