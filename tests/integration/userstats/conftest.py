"""A stats_db for the tests of this folder: emptied before each, since to make one takes longer than such a test."""

from collections.abc import AsyncGenerator
from itertools import count

import pytest
import pytest_asyncio

from gavel.runtime.postgres import connections as postgres
from tests.servers.postgres import PostgresServer

EMPTY = (
    "TRUNCATE counted_events, bid_items, user_stats, dead_letters,"
    " rebuild.counted_events, rebuild.bid_items, rebuild.user_stats, incomplete_seconds;"
    " UPDATE counting SET forgotten_before = DEFAULT, rebuilding = DEFAULT;"
    " UPDATE completeness SET checked_until = extract(epoch FROM clock_timestamp())::bigint, check_started_at = DEFAULT"
)

_database_numbers = count(1)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_stats_db_url(postgres_server: PostgresServer) -> AsyncGenerator[str]:
    """A stats_db that one test after the other uses."""
    async with postgres_server.database(f"shared_stats_{next(_database_numbers)}", "stats_template") as url:
        yield url


@pytest.fixture
def alters_schema() -> None:
    """Asked for by a test that changes more than rows: it gets a database of its own."""


@pytest.fixture
async def stats_db_url(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, shared_stats_db_url: str
) -> AsyncGenerator[str]:
    """A stats_db without a row."""
    if "alters_schema" in request.fixturenames:
        async with postgres_server.database(f"altered_stats_{next(_database_numbers)}", "stats_template") as url:
            yield url
        return
    connection = await postgres.connect(shared_stats_db_url, "tests")
    await connection.execute(EMPTY)
    await connection.close()
    yield shared_stats_db_url
