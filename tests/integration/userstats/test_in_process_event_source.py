"""The in-process transport keeps the promises of an event source."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from gavel.runtime.in_process_broker import BrokerClosed, InProcessBroker
from gavel.userstats.adapters.in_process_event_source import InProcessEventSource
from tests.suites.event_source_suite import EventSourceSuite


class InProcessTransport:
    """A broker and those who wait until it has let go of their messages."""

    def __init__(self) -> None:
        self._broker = InProcessBroker()
        self._publishing: list[asyncio.Task[None]] = []

    async def send(self, bodies: Sequence[bytes]) -> None:
        self._publishing.append(asyncio.create_task(self._broker.publish([("bid.placed", body) for body in bodies])))
        await asyncio.sleep(0)

    async def open(self) -> InProcessEventSource:
        return InProcessEventSource(self._broker)

    async def close(self) -> None:
        self._broker.close()
        for outcome in await asyncio.gather(*self._publishing, return_exceptions=True):
            assert outcome is None or isinstance(outcome, BrokerClosed)


class TestInProcessEventSource(EventSourceSuite):
    """The suite on the broker inside the process."""

    @pytest.fixture
    async def transport(self) -> AsyncGenerator[InProcessTransport]:
        transport = InProcessTransport()
        yield transport
        await transport.close()
