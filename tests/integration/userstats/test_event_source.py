"""The in-process transport keeps the promises of an event source."""

from collections.abc import AsyncGenerator

import pytest

from tests.integration.userstats.in_process_transport import InProcessTransport, in_process_transport
from tests.suites.event_source_suite import EventSourceSuite


class TestInProcessEventSource(EventSourceSuite):
    """The suite on the broker inside the process."""

    @pytest.fixture
    async def transport(self) -> AsyncGenerator[InProcessTransport]:
        async with in_process_transport() as transport:
            yield transport
