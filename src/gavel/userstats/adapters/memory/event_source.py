"""Event source of standalone mode, without an external broker and with the same guarantee."""

from collections.abc import Sequence

from gavel.runtime.process.in_process_broker import InProcessBroker
from gavel.userstats.ports import Delivery


class InProcessEventSource:
    """EventSource on an in-process broker; acknowledging is what lets the relay delete its rows."""

    def __init__(self, broker: InProcessBroker) -> None:
        self._broker = broker

    async def take(self, deliveries_max: int, wait_seconds: float) -> Sequence[Delivery]:
        """See EventSource.take."""
        messages = await self._broker.take(deliveries_max, wait_seconds)
        return [Delivery(message.number, message.body) for message in messages]

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See EventSource.ack."""
        self._broker.ack([delivery.tag for delivery in deliveries])
