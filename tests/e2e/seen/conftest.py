"""The four processes under observation: one stack for this folder, with a collector for its spans."""

import os
from collections.abc import AsyncGenerator, Generator
from unittest import mock

import httpx
import pytest
import pytest_asyncio

from gavel_tools.local_servers.stack import Stack
from tests.e2e.four_processes import StackClient, running_stack
from tests.servers.otlp_collector import Collector, running_collector


@pytest.fixture(scope="package")
def collector() -> Generator[Collector]:
    """Where the four processes send their spans."""
    with running_collector() as running:
        yield running


@pytest.fixture(scope="package")
def stack(collector: Collector) -> Generator[Stack]:
    """The four processes for this folder."""
    settings = {"LOG_LEVEL": "INFO", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    with mock.patch.dict(os.environ, settings), running_stack() as running:
        yield running


@pytest_asyncio.fixture
async def four(stack: Stack) -> AsyncGenerator[StackClient]:
    """A client of the four processes."""
    async with httpx.AsyncClient(timeout=30) as http:
        yield StackClient(http, stack)
