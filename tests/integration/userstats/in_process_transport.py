"""The in-process transport as tests use it: messages are sent without waiting for their consumer."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from gavel.runtime.process.in_process_broker import BrokerClosed, InProcessBroker
from gavel.userstats.adapters.memory.event_source import InProcessEventSource


class InProcessTransport:
    """A broker, and those who wait until it has let go of their messages."""

    def __init__(self) -> None:
        self._broker = InProcessBroker()
        self._publishing: list[asyncio.Task[None]] = []

    async def send(self, bodies: Sequence[bytes]) -> None:
        """See Transport.send."""
        self._publishing.append(asyncio.create_task(self._broker.publish([("bid.placed", body) for body in bodies])))
        await asyncio.sleep(0)

    async def open(self) -> InProcessEventSource:
        """See Transport.open."""
        return InProcessEventSource(self._broker)

    async def unacked(self) -> list[bytes]:
        """The bodies that the broker still holds."""
        return [message.body for message in await self._broker.take(1_000, 0)]

    async def all_acked(self) -> None:
        """Return when all that was sent is acknowledged."""
        await asyncio.gather(*self._publishing)

    async def close(self) -> None:
        """Stop, and fail waiting publishers."""
        self._broker.close()
        for outcome in await asyncio.gather(*self._publishing, return_exceptions=True):
            assert outcome is None or isinstance(outcome, BrokerClosed)


@asynccontextmanager
async def in_process_transport() -> AsyncGenerator[InProcessTransport]:
    """A transport, closed on the way out."""
    transport = InProcessTransport()
    try:
        yield transport
    finally:
        await transport.close()
