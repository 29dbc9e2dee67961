"""One running Gavel for the tests that leave it running."""

from collections.abc import AsyncGenerator

import httpx
import pytest
import pytest_asyncio

from tests.e2e.gavel_process import Client, Standalone, running_standalone


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_gavel(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Standalone]:
    """A `gavel standalone` that lives for the run. A test that stops or kills one starts its own."""
    async with running_standalone(tmp_path_factory.mktemp("gavel")) as gavel:
        yield gavel


@pytest_asyncio.fixture
async def client(shared_gavel: Standalone) -> AsyncGenerator[Client]:
    """A client of the shared Gavel."""
    async with httpx.AsyncClient(timeout=30) as http:
        yield Client(http, shared_gavel.url)
