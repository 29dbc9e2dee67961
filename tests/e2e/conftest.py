"""One running Gavel for the tests that leave it running."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.e2e.gavel_process import Client, Standalone, new_data_folder, running_standalone


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_gavel() -> AsyncGenerator[Standalone]:
    """A `gavel standalone` that lives for the run. A test that stops or kills one starts its own."""
    with new_data_folder() as folder:
        async with running_standalone(folder) as gavel:
            yield gavel


@pytest.fixture
def data_folder() -> Generator[Path]:
    """A folder for the data of a Gavel of the test's own."""
    with new_data_folder() as folder:
        yield folder


@pytest_asyncio.fixture
async def client(shared_gavel: Standalone) -> AsyncGenerator[Client]:
    """A client of the shared Gavel."""
    async with httpx.AsyncClient(timeout=30) as http:
        yield Client(http, shared_gavel.url)
