"""RabbitMQ topology of a work queue, declared by publisher and consumer alike."""

from dataclasses import dataclass

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel

# Crashes and lost connections count too; a message that was delivered this often becomes a dead letter.
DELIVERIES_MAX = 1_000
# Looking at a dead letter counts as a delivery, and must never drop it.
LOOKS_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """Topic exchange, a durable queue that gets all its messages, and a dead-letter queue.

    The publisher and the consumer declare the same: the broker refuses another shape.
    """

    exchange: str
    name: str
    dead_letters: str
    deliveries_max: int = DELIVERIES_MAX

    async def declare(self, channel: AbstractChannel) -> None:
        """Declare what is missing; what exists stays as it is."""
        dead = await channel.declare_exchange(self.dead_letters, ExchangeType.FANOUT, durable=True)
        letters = await channel.declare_queue(
            self.dead_letters,
            durable=True,
            arguments={"x-queue-type": "quorum", "x-delivery-limit": LOOKS_MAX},
        )
        await letters.bind(dead, "")
        exchange = await channel.declare_exchange(self.exchange, ExchangeType.TOPIC, durable=True)
        queue = await channel.declare_queue(
            self.name,
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": self.deliveries_max,
                "x-dead-letter-exchange": self.dead_letters,
                "x-dead-letter-strategy": "at-least-once",
                # Required by the strategy above.
                "x-overflow": "reject-publish",
            },
        )
        await queue.bind(exchange, "#")
