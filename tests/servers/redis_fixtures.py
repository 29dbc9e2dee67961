"""Redis for a test: one server a run, keys of its own."""

import asyncio
from collections.abc import AsyncGenerator, Generator

import pytest
import pytest_asyncio

from tests.servers.redis import RedisServer, given_url, own_redis


@pytest.fixture(scope="session")
def own_redis_server() -> Generator[RedisServer]:
    """A real Redis of this run's own."""
    with own_redis() as server:
        yield server


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> str:
    """Where a real Redis is: the one that the environment names, or this run's own."""
    return given_url() or request.getfixturevalue("own_redis_server").url


@pytest_asyncio.fixture
async def mortal_redis(own_redis_server: RedisServer) -> AsyncGenerator[RedisServer]:
    """This run's own Redis for a test that does harm to it; it runs again afterwards."""
    yield own_redis_server
    await asyncio.to_thread(own_redis_server.thaw)
    await asyncio.to_thread(own_redis_server.start)
