"""In-process event publisher of the embedded mode: no broker, the same guarantee."""

from collections.abc import Sequence

from gavel.bids.ports.outbox import EventsNotPublished, OutboxMessage
from gavel.runtime.process.in_process_broker import BrokerClosed, InProcessBroker
from gavel.runtime.telemetry.tracing import publishing


class InProcessPublisher:
    """EventPublisher on an in-process broker: `publish` returns once the consumer has committed."""

    def __init__(self, broker: InProcessBroker) -> None:
        self._broker = broker

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        """See EventPublisher.publish."""
        traces = [trace for message in messages for trace in message.traces]
        events = sum(message.event_count for message in messages)
        try:
            with publishing(traces, "in_process", "events", messages=len(messages), events=events):
                await self._broker.publish([(message.routing_key, message.body) for message in messages])
        except BrokerClosed as error:
            raise EventsNotPublished("the transport is stopping") from error
