"""Metrics of the broker's queues: waiting messages, dead letters, and none while the broker is unavailable."""

from collections.abc import AsyncGenerator

import pytest

from gavel.bids.adapters.rabbitmq.dead_letters import RabbitMqDeadLetterCount
from gavel.runtime.rabbitmq.connection import BrokerAway
from gavel.userstats.adapters.rabbitmq.backlog import RabbitMqBacklog
from gavel.userstats.adapters.rabbitmq.dead_letters import RabbitMqDeadLetters
from gavel.userstats.adapters.rabbitmq.event_source import RabbitMqEventSource
from gavel.userstats.ports import DeadLetter
from gavel_tools.local_servers.ports import free_port
from tests.servers.rabbitmq_broker import Broker, until

pytestmark = pytest.mark.integration


@pytest.fixture
async def backlog(broker: Broker) -> AsyncGenerator[RabbitMqBacklog]:
    backlog = RabbitMqBacklog(broker.url, broker.queue)
    yield backlog
    await backlog.close()


async def _told(backlog: RabbitMqBacklog) -> dict[str, float]:
    return {metric.name: metric.samples[0].value for metric in await backlog.read()}


def _told_as(waiting: int, kept: int) -> dict[str, float]:
    return {"gavel_counter_messages_waiting": waiting, "gavel_dead_letters_kept": kept}


async def _until_told(backlog: RabbitMqBacklog, waiting: int, kept: int) -> None:
    async def told() -> bool:
        return await _told(backlog) == _told_as(waiting, kept)

    await until(told)


async def test_an_empty_broker_has_metrics_of_zero(backlog: RabbitMqBacklog) -> None:
    assert await _told(backlog) == _told_as(0, 0)


async def test_messages_wait_until_a_counter_takes_them_and_letters_until_they_are_dropped(
    broker: Broker, backlog: RabbitMqBacklog
) -> None:
    await broker.publish(b"one", b"two", b"three")
    letters = RabbitMqDeadLetters(broker.url, broker.queue)
    await letters.put([DeadLetter(b"dead", "why"), DeadLetter(b"dead too", "why")])
    await _until_told(backlog, 3, 2)
    source = RabbitMqEventSource(broker.url, broker.queue, prefetch=2)
    await source.take(2, 5.0)
    await _until_told(backlog, 1, 2)
    assert await letters.drop(None, 10) == 2
    await _until_told(backlog, 1, 0)
    for each in (source, letters):
        await each.close()


async def test_the_bid_api_counts_dead_letters_and_declares_nothing(broker: Broker) -> None:
    count = RabbitMqDeadLetterCount(broker.url, broker.queue)
    with pytest.raises(BrokerAway):
        await count.read()
    letters = RabbitMqDeadLetters(broker.url, broker.queue)
    await letters.put([DeadLetter(b"dead", "why"), DeadLetter(b"dead too", "why")])

    async def both_are_counted() -> bool:
        return [metric.samples[0].value for metric in await count.read()] == [2]

    await until(both_are_counted)
    for each in (count, letters):
        await each.close()


async def test_a_broker_that_is_away_has_no_metrics() -> None:
    backlog = RabbitMqBacklog(f"amqp://127.0.0.1:{free_port()}/")
    with pytest.raises(BrokerAway):
        await backlog.read()
    await backlog.close()
