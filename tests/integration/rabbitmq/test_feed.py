"""The feed on a real broker keeps its promises, and never holds up a bid."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from itertools import count

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from gavel.bids.adapters.rabbitmq.feed import CHANGES_WAITING_MAX, RabbitMqFeed, RabbitMqFeedPublisher
from gavel.bids.adapters.rabbitmq.feed_codec import MESSAGE_TYPE, feed_message
from gavel.bids.domain.feed_events import feed_events
from gavel.bids.ports.book import Change
from gavel.runtime.rabbitmq.connection import passing_channel
from tests.servers.fault_proxy import fault_proxy, upstream_of
from tests.servers.rabbitmq import RabbitMqServer
from tests.servers.rabbitmq_broker import until
from tests.servers.worker import own_name
from tests.suites.feed_suite import FeedSuite, Listener, change
from tests.unit.bids.auctions import ANNA, ITEM, bid, listed

pytestmark = pytest.mark.integration

_numbers = count(1)


class RabbitMqWay:
    """Way by a broker, on an exchange of its own."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self.url = url
        self.exchange = own_name(f"tests.feed.{next(_numbers)}")
        self.publisher = RabbitMqFeedPublisher(url, self.exchange)
        self._stack = stack

    async def listen(self, listener: Listener) -> None:
        await self.opened(RabbitMqFeed(self.url, listener, self.exchange))

    async def opened(self, feed: RabbitMqFeed) -> RabbitMqFeed:
        """This feed, when it listens."""
        await self._stack.enter_async_context(feed.running())

        async def listens() -> bool:
            return feed.is_listening

        await until(listens)
        return feed

    def commit(self, changes: Sequence[Change]) -> None:
        self.publisher.committed(changes)

    async def harm(self, *messages: aio_pika.Message) -> None:
        """Publish what is not Gavel's; nothing: delete the exchange."""

        async def opened(_: AbstractChannel) -> None:
            """Nothing is to be declared."""

        async with passing_channel(self.url, "tests", opened) as channel:
            exchange = await channel.get_exchange(self.exchange, ensure=False)
            for message in messages:
                await exchange.publish(message, "events", mandatory=False)
            if not messages:
                await channel.exchange_delete(self.exchange)


@pytest.fixture
async def way(rabbitmq_url: str) -> AsyncGenerator[RabbitMqWay]:
    async with AsyncExitStack() as stack:
        way = RabbitMqWay(rabbitmq_url, stack)
        async with way.publisher.running():
            yield way
            await way.harm()


class TestRabbitMqFeed(FeedSuite):
    """The suite on a real broker."""

    @pytest.fixture
    async def way(self, way: RabbitMqWay) -> RabbitMqWay:
        return way


def one_bid() -> Change:
    return change(bid(listed(), ANNA, 1_000))


async def test_what_can_not_be_read_is_passed_over(way: RabbitMqWay) -> None:
    listener = Listener(ITEM)
    feed = await way.opened(RabbitMqFeed(way.url, listener, way.exchange))
    [event] = feed_events(one_bid().events, one_bid().auction)
    good = feed_message([event])
    unknown_kind = good[:32] + b"\xff" + good[33:]
    await way.harm(
        aio_pika.Message(b"garbage", type=MESSAGE_TYPE),
        aio_pika.Message(good[:-1], type=MESSAGE_TYPE),
        aio_pika.Message(unknown_kind, type=MESSAGE_TYPE),
        aio_pika.Message(good, type="gavel.feed.2"),
        aio_pika.Message(good, type=MESSAGE_TYPE),
    )
    await listener.until(bool)
    assert (listener.heard, feed.messages_not_read) == ([event], 4)


async def test_messages_are_transient_and_the_queue_goes_with_its_process(way: RabbitMqWay) -> None:
    async with passing_channel(way.url, "tests", _nothing) as channel:
        exchange = await channel.declare_exchange(way.exchange, aio_pika.ExchangeType.TOPIC, durable=True)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "#")
        way.commit([one_bid()])

        async def came() -> bool:
            return (message := await queue.get(fail=False)) is not None and message.delivery_mode == 1

        await until(came)


async def test_an_exchange_that_was_deleted_is_declared_again(way: RabbitMqWay) -> None:
    listener = Listener(ITEM)
    await way.listen(listener)
    way.commit([one_bid()])
    await listener.until(bool)
    await way.harm()
    await _until_heard_again(way, listener)


async def test_what_waits_for_a_broker_that_is_away_is_bounded_and_dropped(rabbitmq_url: str) -> None:
    async with fault_proxy(upstream_of(rabbitmq_url)) as proxy:
        publisher = RabbitMqFeedPublisher(proxy.url(rabbitmq_url), own_name("tests.feed.away"))
        publisher.committed([one_bid()] * (CHANGES_WAITING_MAX + 10))
        assert publisher.changes_dropped == 10
        proxy.refuse()
        async with publisher.running():

            async def dropped() -> bool:
                return publisher.changes_dropped == CHANGES_WAITING_MAX + 10

            await until(dropped)


@pytest.mark.fault
async def test_events_come_again_after_the_broker_was_killed(mortal_rabbitmq: RabbitMqServer) -> None:
    async with AsyncExitStack() as stack:
        way = RabbitMqWay(mortal_rabbitmq.url, stack)
        await stack.enter_async_context(way.publisher.running())
        listener = Listener(ITEM)
        await way.listen(listener)
        way.commit([one_bid()])
        await listener.until(lambda heard: len(heard) == 1)
        await asyncio.to_thread(mortal_rabbitmq.kill)
        way.commit([one_bid()])
        await asyncio.to_thread(mortal_rabbitmq.start)
        await _until_heard_again(way, listener)


async def _until_heard_again(way: RabbitMqWay, listener: Listener) -> None:
    listener.heard.clear()

    async def hears() -> bool:
        way.commit([one_bid()])
        return bool(listener.heard)

    await until(hears)


async def _nothing(_: AbstractChannel) -> None:
    """Nothing is to be declared."""
