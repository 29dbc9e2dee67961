"""Queue length metrics: messages that wait to be counted, and dead letters."""

from collections.abc import Sequence

from aio_pika.abc import AbstractChannel
from prometheus_client.core import Metric

from gavel.runtime.rabbitmq.connection import BrokerLink
from gavel.runtime.rabbitmq.topology import WorkQueue
from gavel.runtime.telemetry.metrics import gauge
from gavel.userstats.adapters.postgres.dead_letters import dead_letters_kept
from gavel.userstats.adapters.rabbitmq.event_source import STATS_EVENTS

# Less than the metrics page waits for one source.
ANSWER_SECONDS_MAX = 1.0


class RabbitMqBacklog:
    """Source of the metrics of a work queue, on a connection of its own, so that asking never disturbs consuming.

    Each question is two declarations of what is there already, a millisecond for the broker.
    """

    def __init__(self, url: str, queue: WorkQueue = STATS_EVENTS) -> None:
        self._queue = queue
        self._link = BrokerLink(url, "gavel-backlog", queue.declare)

    async def read(self) -> Sequence[Metric]:
        """Source of the metrics. Raises BrokerAway."""
        waiting, kept = await self._link.run(self._counts, ANSWER_SECONDS_MAX)
        meaning = "Messages in the broker's queue that no counter has taken yet."
        return [gauge("gavel_counter_messages_waiting", meaning, (), {(): waiting}), dead_letters_kept(kept)]

    async def close(self) -> None:
        """Close the connection to the broker."""
        await self._link.close()

    async def _counts(self, channel: AbstractChannel) -> list[int]:
        amqp = await channel.get_underlay_channel()
        counts = [await amqp.queue_declare(name, passive=True) for name in (self._queue.name, self._queue.dead_letters)]
        return [each.message_count or 0 for each in counts]
