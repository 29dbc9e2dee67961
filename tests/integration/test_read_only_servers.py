"""A server that became read-only, as the old primary in a failover: its connections are dropped, nothing is ready."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlencode, urlsplit

import asyncpg
import pytest
import pytest_asyncio

from gavel.bids.adapters.postgres.outbox.outbox import PostgresOutbox
from gavel.bids.ports.book import Unavailable
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.connections import READ_ONLY_REMEDY, open_pool
from gavel.runtime.postgres.migrations import load_migrations, schema_check
from gavel.userstats.adapters.postgres.connections import stats_transaction
from gavel.userstats.ports import Unavailable as StatsUnavailable
from tests.auction_house import open_house, until
from tests.servers.own_postgres import OwnPostgres, own_postgres

pytestmark = [pytest.mark.integration, pytest.mark.fault]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncGenerator[OwnPostgres]:
    """A server that this module may harm."""
    async with own_postgres() as server:
        yield server


@asynccontextmanager
async def _read_only(server: OwnPostgres) -> AsyncGenerator[None]:
    """Let every session, those that are open too, be read-only inside the context."""
    connection = await asyncpg.connect(server.url)
    try:
        await connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        await connection.execute("SELECT pg_reload_conf()")
        await until(lambda: _setting_is(connection, "on"))
        yield
        await connection.execute("SET transaction_read_only = off")
    finally:
        await connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
        await connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        await connection.execute("SELECT pg_reload_conf()")
        await connection.close()


async def _setting_is(connection: asyncpg.Connection, value: str) -> bool:
    return await connection.fetchval("SHOW default_transaction_read_only") == value


async def test_a_lane_throws_its_connection_away_and_bids_again_when_there_is_a_primary(server: OwnPostgres) -> None:
    async with open_house(server.url) as house:
        item_id = await house.list_item()
        await house.bid(item_id, 100)
        [before] = house.lane_connections
        async with _read_only(server):
            with pytest.raises(Unavailable):
                await house.bid(item_id, 200)
            assert before.is_closed()
            assert all(connection.is_closed() for connection in house.lane_connections)

        async def accepted() -> bool:
            try:
                return bool(await house.bid(item_id, (await house.state(item_id))["price"] + 1))
            except Unavailable:
                return False

        await until(accepted)


async def test_a_relay_throws_its_connection_away(server: OwnPostgres) -> None:
    async with open_house(server.url) as house, await postgres.open_stream_pool(server.url, "tests") as pool:
        await house.list_item()

        async def publish(_: object) -> None:
            return None

        async with pool.acquire() as connection:
            process = connection.get_server_pid()
        async with _read_only(server):
            with pytest.raises(Unavailable):
                await PostgresOutbox(pool).relay(publish, 10)
        await PostgresOutbox(pool).relay(publish, 10)
        async with pool.acquire() as connection:
            assert connection.get_server_pid() != process


async def test_a_counter_throws_its_connection_away(server: OwnPostgres) -> None:
    async with await postgres.open_stream_pool(server.url, "tests") as pool:
        async with pool.acquire() as connection:
            process = connection.get_server_pid()
        async with _read_only(server):
            with pytest.raises(StatsUnavailable, match="read-only"):
                async with stats_transaction(pool) as written:
                    await written.execute("CREATE TABLE never (id integer)")
        async with pool.acquire() as connection:
            assert connection.get_server_pid() != process


async def test_readiness_wants_a_server_that_can_be_written_to(server: OwnPostgres) -> None:
    migrations = load_migrations("gavel.bids")
    async with await open_pool(server.url, "tests") as pool:
        check, of_a_reader = schema_check(pool, migrations), schema_check(pool, migrations, writable=False)
        assert await check() is None
        async with _read_only(server):
            assert await check() == READ_ONLY_REMEDY
            assert await of_a_reader() is None
        assert await check() is None


async def test_of_several_servers_the_one_that_can_be_written_to_is_chosen(server: OwnPostgres) -> None:
    """As DEPLOYMENT.md says; an address of which nothing listens stands for the server that is gone."""
    query = dict(parse_qsl(urlsplit(server.url).query))
    query |= {
        "host": f"127.0.0.1,{query['host']}",
        "port": f"1,{query['port']}",
        "target_session_attrs": "read-write",
    }
    several = urlsplit(server.url)._replace(query=urlencode(query, safe=",/")).geturl()
    connection = await postgres.connect(several, "tests")
    try:
        assert await connection.fetchval("SELECT current_database()") == "bid_db"
    finally:
        await connection.close()
