"""Requests to the log by a real broker: a checkpoint for the consumer that asks, events again for the queue."""

import asyncio
from collections.abc import AsyncGenerator

import aio_pika
import pytest

from gavel.bids.adapters.rabbitmq import log_requests as bid_side
from gavel.bids.adapters.rabbitmq.log_requests import RabbitMqLogRequests
from gavel.bids.adapters.rabbitmq.publisher import RabbitMqPublisher
from gavel.runtime.rabbitmq.connection import passing_channel
from gavel.runtime.rabbitmq.topology import RequestQueue
from gavel.userstats import ports
from gavel.userstats.adapters.rabbitmq import event_log as stats_side
from gavel.userstats.adapters.rabbitmq.event_log import RabbitMqEventLog
from tests.integration.rabbitmq.recorded import SECONDS, Recorded
from tests.servers.rabbitmq_broker import Broker, until
from tests.servers.worker import own_name

pytestmark = pytest.mark.integration

QUEUE = RequestQueue(requests=own_name("tests.log_requests"), answers=own_name("tests.checkpoints"))


@pytest.fixture
async def log(broker: Broker) -> AsyncGenerator[RabbitMqEventLog]:
    """What a stats worker asks with; nothing is left of a test's queues."""
    opened = RabbitMqEventLog(broker.url, QUEUE, broker.queue)
    yield opened
    await opened.close()
    async with passing_channel(broker.url, "tests", QUEUE.declare) as channel:
        await channel.queue_delete(QUEUE.requests)
        for exchange in (QUEUE.requests, QUEUE.answers):
            await channel.exchange_delete(exchange)


@pytest.fixture
async def requests(broker: Broker) -> AsyncGenerator[RabbitMqLogRequests]:
    """What a bid worker answers with."""
    publisher = RabbitMqPublisher(broker.url, broker.queue)
    yield RabbitMqLogRequests(broker.url, publisher, QUEUE)
    await publisher.close()


def test_both_sides_speak_of_the_same() -> None:
    for name in ("LOG_REQUESTS", "CHECKPOINT_REQUEST", "CHECKPOINT", "RESEND_REQUEST"):
        assert getattr(bid_side, name) == getattr(stats_side, name)


async def test_a_checkpoint_comes_to_the_consumer_that_asks(
    log: RabbitMqEventLog, requests: RabbitMqLogRequests
) -> None:
    recorded = Recorded()
    async with requests.running(recorded):
        checkpoint = await log.checkpoint(1_796_000_000)
        assert checkpoint == ports.Checkpoint(1_796_000_000, 1_796_000_060, dict(SECONDS))
        assert (await log.checkpoint(1_796_000_060)).events == dict(SECONDS)
    assert recorded.asked == [1_796_000_000, 1_796_000_060]


async def test_of_several_workers_one_answers_and_each_consumer_takes_its_own_answer(
    broker: Broker, log: RabbitMqEventLog, requests: RabbitMqLogRequests
) -> None:
    workers = [Recorded(), Recorded()]
    publisher = RabbitMqPublisher(broker.url, broker.queue)
    other_log = RabbitMqEventLog(broker.url, QUEUE, broker.queue)
    async with requests.running(workers[0]), RabbitMqLogRequests(broker.url, publisher, QUEUE).running(workers[1]):
        asked = range(1_000, 1_012)
        for since in asked[::2]:
            mine, others = await asyncio.gather(log.checkpoint(since), other_log.checkpoint(since + 1))
            assert (mine.since, others.since) == (since, since + 1)
    assert sorted(workers[0].asked + workers[1].asked) == list(asked)
    await other_log.close()
    await publisher.close()


async def test_events_that_are_asked_for_come_to_the_queue_again(
    broker: Broker, log: RabbitMqEventLog, requests: RabbitMqLogRequests
) -> None:
    async with requests.running(Recorded()):
        await log.resend([7, 9])
        await until(lambda: _has(log, 4))
    assert await broker.bodies() == [b"bids of 7", b"bids of 9", b"closes of 7", b"closes of 9"]


async def _has(log: RabbitMqEventLog, messages: int) -> bool:
    return await log.waiting() == messages


async def test_a_request_without_an_answer_fails_and_the_next_one_is_answered(
    log: RabbitMqEventLog, requests: RabbitMqLogRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats_side, "CHECKPOINT_SECONDS_MAX", 0.2)
    with pytest.raises(ports.Unavailable, match="no bid worker answers"):
        await log.checkpoint(1)
    monkeypatch.setattr(stats_side, "CHECKPOINT_SECONDS_MAX", 60.0)
    recorded = Recorded()
    async with requests.running(recorded):
        assert (await log.checkpoint(2)).since == 2
    # The first is answered too, unless it has become too old meanwhile, and its answer is passed over.
    assert recorded.asked in ([1, 2], [2])


async def test_a_log_that_fails_is_asked_again_by_the_consumer_alone(
    log: RabbitMqEventLog, requests: RabbitMqLogRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats_side, "CHECKPOINT_SECONDS_MAX", 3.0)
    recorded = Recorded(failures=1)
    async with requests.running(recorded):
        with pytest.raises(ports.Unavailable):
            await log.checkpoint(5)
        monkeypatch.setattr(stats_side, "CHECKPOINT_SECONDS_MAX", 60.0)
        assert (await log.checkpoint(6)).since == 6
    assert recorded.asked == [5, 6]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("events.v1.EventBatch", b""),
        ("events.v1.CheckpointRequest", b"\xff\xff"),
        ("events.v1.CheckpointRequest", b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ("events.v1.ResendRequest", b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
        ("", b"\x08\x01"),
    ],
    ids=["another type", "no message", "before 1970", "after the year 9999", "no type"],
)
async def test_what_is_no_request_is_dropped_and_the_next_one_is_answered(
    broker: Broker, log: RabbitMqEventLog, requests: RabbitMqLogRequests, kind: str, body: bytes
) -> None:
    async with passing_channel(broker.url, "tests", QUEUE.declare) as channel:
        exchange = await channel.get_exchange(QUEUE.requests, ensure=False)
        await exchange.publish(aio_pika.Message(body, type=kind or None), "")
    recorded = Recorded()
    async with requests.running(recorded):
        assert (await log.checkpoint(3)).since == 3
    assert recorded.asked == [3]
