"""Event publisher on RabbitMQ: an event counts as published when the broker has confirmed it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import DeliveryError
from prometheus_client.core import Metric

from gavel.bids.ports.outbox import EventsNotPublished, OutboxMessage
from gavel.runtime.rabbitmq.connection import BrokerAway, BrokerLink, publish_confirmed
from gavel.runtime.rabbitmq.topology import WorkQueue
from gavel.runtime.telemetry.metrics import counter, gauge
from gavel.runtime.telemetry.tracing import publishing

# The consumer's queue, which the publisher declares too: events need it before a consumer first starts.
STATS_EVENTS = WorkQueue(exchange="auction.events", name="userstats.events", dead_letters="userstats.events.dead")
# Together with the time to connect, this stays below the outbox's own limit.
PUBLISH_SECONDS_MAX = 4.0

MESSAGE_TYPE = "events.v1.EventBatch"
CONTENT_TYPE = "application/protobuf"
# The standard header of W3C Trace Context.
TRACEPARENT_HEADER = "traceparent"


class RabbitMqPublisher:
    """EventPublisher on a topic exchange.

    A message that no queue receives counts as not published. Before the next one everything is declared again.
    """

    def __init__(self, url: str, queue: WorkQueue = STATS_EVENTS) -> None:
        self._exchange = queue.exchange
        self._link = BrokerLink(url, "gavel-relay", queue.declare)
        self._messages = {"confirmed": 0, "returned": 0, "failed": 0}

    @property
    def is_connected(self) -> bool:
        """Whether the connection to the broker is open, as far as this side has noticed."""
        return self._link.is_open

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        """See EventPublisher.publish."""
        traces = [trace for message in messages for trace in message.traces]
        events = sum(message.event_count for message in messages)
        with publishing(traces, "rabbitmq", self._exchange, messages=len(messages), events=events) as traceparent:
            await self._publish([(message.routing_key, _amqp(message, traceparent)) for message in messages])

    async def _publish(self, sent: Sequence[tuple[str, Message]]) -> None:
        async def confirmed(channel: AbstractChannel) -> None:
            await publish_confirmed(channel, self._exchange, sent)

        try:
            await self._link.run(confirmed, PUBLISH_SECONDS_MAX)
        except BrokerAway as error:
            self._messages["returned" if isinstance(error.__cause__, DeliveryError) else "failed"] += len(sent)
            raise EventsNotPublished(str(error)) from error
        self._messages["confirmed"] += len(sent)

    async def metrics(self) -> Sequence[Metric]:
        """Source of the metrics of this publisher."""
        messages = {(outcome,): float(count) for outcome, count in self._messages.items()}
        meaning = (
            "Messages in passes of the relay by the broker's answer: confirmed, or else returned because no queue"
            " gets one of the pass, or failed."
        )
        blocked = "1 while the broker takes no messages, because its memory or disk alarm is raised."
        return [
            counter("gavel_publish_messages_total", meaning, ("outcome",), messages),
            gauge("gavel_publish_blocked", blocked, (), {(): float(self._link.is_blocked)}),
        ]

    async def problem(self) -> str | None:
        """Readiness check: the reason why events can't be published, or None."""
        return await self._link.problem()

    async def close(self) -> None:
        """Close the connection to the broker."""
        await self._link.close()


def _amqp(message: OutboxMessage, traceparent: str) -> Message:
    return Message(
        message.body,
        headers={TRACEPARENT_HEADER: traceparent} if traceparent else None,
        type=MESSAGE_TYPE,
        content_type=CONTENT_TYPE,
        message_id=str(uuid4()),
        timestamp=datetime.now(UTC),
        delivery_mode=DeliveryMode.PERSISTENT,
    )
