"""Users of the broker with the permissions that the deployment page gives them: enough, and no more."""

import re
import shlex
from collections.abc import Callable, Generator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import ChannelAccessRefused

from gavel.bids.adapters.rabbitmq.dead_letters import RabbitMqDeadLetterCount
from gavel.bids.adapters.rabbitmq.feed import RabbitMqFeed, RabbitMqFeedPublisher
from gavel.bids.adapters.rabbitmq.log_requests import RabbitMqLogRequests
from gavel.bids.adapters.rabbitmq.publisher import STATS_EVENTS, RabbitMqPublisher
from gavel.bids.ports.outbox import OutboxMessage
from gavel.runtime.rabbitmq.connection import passing_channel
from gavel.userstats.adapters.rabbitmq.dead_letters import RabbitMqDeadLetters
from gavel.userstats.adapters.rabbitmq.event_log import RabbitMqEventLog
from gavel.userstats.adapters.rabbitmq.event_source import RabbitMqEventSource
from gavel.userstats.ports import DeadLetter
from tests.integration.rabbitmq.recorded import Recorded
from tests.servers.rabbitmq import RabbitMqServer
from tests.servers.rabbitmq_broker import Broker, until
from tests.suites.feed_suite import Listener, change
from tests.unit.bids.auctions import ANNA, ITEM, bid, listed

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[3] / "docs" / "DEPLOYMENT.md"
VHOST = "users"
PASSWORD = "for-tests-only"

UrlOf = Callable[[str], str]


@pytest.fixture(scope="module")
def vhost_url_of(own_rabbitmq_server: RabbitMqServer) -> Generator[UrlOf]:
    """Where each user of the page, and an owner, comes to a vhost of their own."""
    commands = re.findall(r"^rabbitmqctl set_permissions (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    permissions = {user: patterns for user, *patterns in map(shlex.split, commands)}
    assert set(permissions) == {"bid_worker", "stats_worker", "bid_api"}
    permissions["owner"] = [".*", ".*", ".*"]
    control = own_rabbitmq_server.control
    control("add_vhost", VHOST)
    for user, patterns in permissions.items():
        control("add_user", user, PASSWORD)
        control("set_permissions", "-p", VHOST, user, *patterns)
    parts = urlsplit(own_rabbitmq_server.url)
    host = parts.netloc.rpartition("@")[2]
    yield lambda user: urlunsplit(parts._replace(netloc=f"{user}:{PASSWORD}@{host}", path=f"/{VHOST}"))
    control("delete_vhost", VHOST)
    for user in permissions:
        control("delete_user", user)


@pytest.fixture
async def url_of(vhost_url_of: UrlOf) -> UrlOf:
    """The same before anything is declared."""
    await Broker(vhost_url_of("owner"), STATS_EVENTS).delete_all()
    return vhost_url_of


async def _publish(url: str) -> None:
    publisher = RabbitMqPublisher(url)
    await publisher.publish([OutboxMessage("bid.placed", b"an event", 1)])
    await publisher.close()


async def _take(url: str, number: int) -> None:
    source = RabbitMqEventSource(url)
    taken = 0
    while taken < number:
        deliveries = await source.take(10, 1.0)
        await source.ack(deliveries)
        taken += len(deliveries)
    letters = RabbitMqDeadLetters(url)
    await letters.put([DeadLetter(b"not an event", "unreadable")])
    assert [letter.body for letter in await letters.list(10)] == [b"not an event"]
    assert await letters.drop(None, 10) == 1
    await letters.close()
    await source.close()


@pytest.mark.parametrize("first", ["bid_worker", "stats_worker"])
async def test_events_go_from_the_relay_to_the_counter_in_any_order_of_starting(url_of: UrlOf, first: str) -> None:
    if first == "stats_worker":
        await _take(url_of("stats_worker"), 0)
    await _publish(url_of("bid_worker"))
    await _publish(url_of("bid_worker"))
    await _take(url_of("stats_worker"), 2)


async def test_a_counter_asks_the_log_and_the_relay_answers(url_of: UrlOf) -> None:
    log, publisher = RabbitMqEventLog(url_of("stats_worker")), RabbitMqPublisher(url_of("bid_worker"))
    assert await log.waiting() == 0
    async with RabbitMqLogRequests(url_of("bid_worker"), publisher).running(Recorded()):
        assert (await log.checkpoint(1)).since == 1
        await log.resend([1])
        await _take(url_of("stats_worker"), 2)
    await log.close()
    await publisher.close()


async def test_a_bid_api_hears_of_what_workers_and_other_apis_commit(url_of: UrlOf) -> None:
    listener = Listener(ITEM)
    feed = RabbitMqFeed(url_of("bid_api"), listener)

    async def listens() -> bool:
        return feed.is_listening

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(feed.running())
        await until(listens)
        for number, user in enumerate(("bid_worker", "bid_api"), start=1):
            publisher = RabbitMqFeedPublisher(url_of(user))
            await stack.enter_async_context(publisher.running())
            publisher.committed([change(bid(listed(), ANNA, 1_000))])
            await listener.until(lambda heard, number=number: len(heard) == number)


@pytest.mark.parametrize("user", ["bid_api", "stats_worker"])
async def test_only_the_relay_publishes_events(url_of: UrlOf, user: str) -> None:
    await _publish(url_of("bid_worker"))

    async def nothing(_: AbstractChannel) -> None:
        """It is declared by those who may."""

    async with passing_channel(url_of(user), "tests", nothing) as channel:
        exchange = await channel.get_exchange(STATS_EVENTS.exchange, ensure=False)
        with pytest.raises(ChannelAccessRefused):
            await exchange.publish(aio_pika.Message(b"forged"), "bid.placed")


async def test_a_bid_api_counts_dead_letters(url_of: UrlOf) -> None:
    await _publish(url_of("bid_worker"))
    count = RabbitMqDeadLetterCount(url_of("bid_api"))
    assert [metric.samples[0].value for metric in await count.read()] == [0]
    await count.close()


async def test_a_bid_api_takes_and_deletes_nothing_of_the_counters(url_of: UrlOf) -> None:
    await _publish(url_of("bid_worker"))
    as_api = Broker(url_of("bid_api"), STATS_EVENTS)
    for harm in (as_api.messages, as_api.delete_queue, as_api.delete_exchange, as_api.delete_dead_letters):
        with pytest.raises(ChannelAccessRefused):
            await harm()
    assert await Broker(url_of("stats_worker"), STATS_EVENTS).bodies() == [b"an event"]
