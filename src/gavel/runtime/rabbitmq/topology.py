"""RabbitMQ topology of work queues and requests, declared by both ends alike."""

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


# Beyond these the oldest requests are dropped: who asked has stopped waiting, and asks again.
REQUESTS_MAX = 100
REQUEST_SECONDS_MAX = 10


@dataclass(frozen=True, slots=True)
class RequestQueue:
    """Exchange and queue of requests, of which each is taken once, and the fanout exchange of their answers.

    Both sides declare the same. A request or an answer that is lost is asked for again.
    """

    requests: str
    answers: str

    async def declare(self, channel: AbstractChannel) -> None:
        """Declare what is missing; what exists stays as it is."""
        exchange = await channel.declare_exchange(self.requests, ExchangeType.FANOUT, durable=True)
        queue = await channel.declare_queue(
            self.requests,
            durable=True,
            arguments={"x-max-length": REQUESTS_MAX, "x-message-ttl": REQUEST_SECONDS_MAX * 1_000},
        )
        await queue.bind(exchange, "")
        await channel.declare_exchange(self.answers, ExchangeType.FANOUT, durable=True)
