"""The broker raises its memory alarm: readiness and a metric say so, what is owed stays, and goes on afterwards."""

import asyncio

import pytest

from gavel.bids.adapters.rabbitmq import publisher as rabbitmq_publisher
from gavel.bids.adapters.rabbitmq.publisher import RabbitMqPublisher
from gavel.bids.ports.outbox import EventsNotPublished, OutboxMessage
from gavel.runtime.rabbitmq.connection import BLOCKED
from tests.servers.rabbitmq import RabbitMqServer
from tests.servers.rabbitmq_broker import Broker, until

pytestmark = [pytest.mark.integration, pytest.mark.fault]

ENOUGH, TOO_LITTLE = "0.4", "0.000001"


async def _blocked(publisher: RabbitMqPublisher) -> float:
    [value] = [
        sample.value
        for metric in await publisher.metrics()
        for sample in metric.samples
        if sample.name == "gavel_publish_blocked"
    ]
    return value


async def test_an_alarm_is_named_in_readiness_and_in_a_metric_and_publishing_goes_on_after_it(
    mortal_rabbitmq: RabbitMqServer, mortal_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbitmq_publisher, "PUBLISH_SECONDS_MAX", 1.0)
    publisher = RabbitMqPublisher(mortal_broker.url, mortal_broker.queue)

    async def is_published(body: bytes) -> bool:
        try:
            await publisher.publish([OutboxMessage("bid.placed", body, 1)])
        except EventsNotPublished:
            return False
        return True

    try:
        await until(lambda: is_published(b"before"))
        await asyncio.to_thread(mortal_rabbitmq.control, "set_vm_memory_high_watermark", TOO_LITTLE)

        async def alarm_is_named() -> bool:
            assert not await is_published(b"owed")
            return await publisher.problem() == BLOCKED

        await until(alarm_is_named)
        assert await _blocked(publisher) == 1
    finally:
        await asyncio.to_thread(mortal_rabbitmq.control, "set_vm_memory_high_watermark", ENOUGH)
    await until(lambda: is_published(b"owed"))
    assert (await publisher.problem(), await _blocked(publisher)) == (None, 0)
    assert set(await mortal_broker.bodies()) == {b"before", b"owed"}
    await publisher.close()
