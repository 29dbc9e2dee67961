"""RabbitMQ as the suite for event sources uses a transport."""

from collections.abc import Sequence

from gavel.userstats.adapters.rabbitmq.event_source import RabbitMqEventSource
from tests.servers.rabbitmq_broker import Broker


class RabbitMqTransport:
    """A work queue, and its one consumer."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._source: RabbitMqEventSource | None = None

    async def send(self, bodies: Sequence[bytes]) -> None:
        """See Transport.send."""
        await self._broker.publish(*bodies)

    async def open(self) -> RabbitMqEventSource:
        """See Transport.open."""
        await self.close()
        self._source = RabbitMqEventSource(self._broker.url, self._broker.queue)
        return self._source

    async def close(self) -> None:
        """End the consumer, as if its process had died."""
        if self._source is not None:
            await self._source.close()
