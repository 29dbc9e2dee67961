"""A RabbitMQ queue keeps the promises of an event source."""

from collections.abc import AsyncGenerator

import pytest

from tests.integration.rabbitmq.transport import RabbitMqTransport
from tests.servers.rabbitmq_broker import Broker
from tests.suites.event_source_suite import EventSourceSuite

pytestmark = pytest.mark.integration


class TestRabbitMqEventSource(EventSourceSuite):
    """The suite on a real broker."""

    @pytest.fixture
    async def transport(self, broker: Broker) -> AsyncGenerator[RabbitMqTransport]:
        transport = RabbitMqTransport(broker)
        yield transport
        await transport.close()
