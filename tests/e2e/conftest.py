"""One running Gavel of each shape for the tests that leave it running."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from gavel_tools.local_servers.stack import Stack
from tests.e2e.four_processes import running_stack
from tests.e2e.gavel_process import Client, Standalone, new_data_folder, running_standalone
from tests.e2e.identity_provider import SignedIn, running_provider
from tests.tokens import AUDIENCE


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared_gavel() -> AsyncGenerator[Standalone]:
    """A `gavel standalone` for this folder. A test that stops or kills one starts its own."""
    with new_data_folder() as folder:
        async with running_standalone(folder) as gavel:
            yield gavel


@pytest.fixture
def data_folder() -> Generator[Path]:
    """A folder for the data of a Gavel of the test's own."""
    with new_data_folder() as folder:
        yield folder


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def gavel_with_tokens() -> AsyncGenerator[SignedIn]:
    """The same with AUTH_MODE=jwt, and the provider whose tokens it believes."""
    with running_provider() as provider, new_data_folder() as folder:
        settings = {"AUTH_MODE": "jwt", "JWT_ISSUER": provider.issuer, "JWT_AUDIENCE": AUDIENCE}
        async with running_standalone(folder, **settings) as gavel:
            yield SignedIn(gavel, provider)


@pytest_asyncio.fixture
async def client(shared_gavel: Standalone) -> AsyncGenerator[Client]:
    """A client of the shared Gavel."""
    async with httpx.AsyncClient(timeout=30) as http:
        yield Client(http, shared_gavel.url)


@pytest.fixture(scope="package")
def shared_stack() -> Generator[Stack]:
    """Three bid APIs, two of each worker and a stats API, with servers of their own, for this folder.

    A test that stops or harms one of them starts it again.
    """
    with running_stack({"bid-api": 3, "bid-worker": 2, "stats-worker": 2}) as stack:
        yield stack
