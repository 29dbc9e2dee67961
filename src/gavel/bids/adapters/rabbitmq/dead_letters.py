"""The number of dead letters in the broker, for the status page."""

from collections.abc import Sequence

from aio_pika.abc import AbstractChannel
from prometheus_client.core import Metric

from gavel.bids.adapters.rabbitmq.publisher import STATS_EVENTS
from gavel.runtime.rabbitmq.connection import BrokerLink
from gavel.runtime.rabbitmq.topology import WorkQueue
from gavel.runtime.telemetry.metrics import gauge

ANSWER_SECONDS_MAX = 1.0


class RabbitMqDeadLetterCount:
    """Source of the number of dead letters of a work queue, which it only looks at."""

    def __init__(self, url: str, queue: WorkQueue = STATS_EVENTS) -> None:
        self._name = queue.dead_letters
        self._link = BrokerLink(url, "gavel-status", _declare_nothing)

    async def read(self) -> Sequence[Metric]:
        """Read the metric. Raises BrokerAway, also while there is no such queue yet."""
        kept = await self._link.run(self._count, ANSWER_SECONDS_MAX)
        return [gauge("gavel_dead_letters_kept", "Dead letters kept in the broker.", (), {(): kept})]

    async def close(self) -> None:
        """Close the connection to the broker."""
        await self._link.close()

    async def _count(self, channel: AbstractChannel) -> int:
        amqp = await channel.get_underlay_channel()
        return (await amqp.queue_declare(self._name, passive=True)).message_count or 0


async def _declare_nothing(_: AbstractChannel) -> None:
    return
