"""Postgres refuses: the readiness details and the log of the lane name the reason and what to do, and no value."""

from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from gavel.bids.domain.auction import ItemId
from gavel.bids.ports.book import Unavailable
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.connections import open_pool, reason_of
from gavel.runtime.postgres.migrations import load_migrations, schema_check
from tests.auction_house import open_house
from tests.e2e.gavel_process import environment, run
from tests.servers.pgbouncer import running_pgbouncer
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.integration


def as_stranger(url: str) -> str:
    """The URL of the same database for a user whom it does not know."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"stranger:s3cret@{parts.netloc.rpartition('@')[2]}"))


async def _problem(url: str) -> str | None:
    async with await open_pool(url, "tests") as pool:
        return await schema_check(pool, load_migrations("gavel.bids"))()


async def test_a_user_who_is_not_let_in_is_named_in_readiness(bid_db_url: str) -> None:
    problem = await _problem(as_stranger(bid_db_url)) or ""
    assert problem.startswith("authentication failed: correct user and password")
    assert "s3cret" not in problem


async def test_a_user_who_is_not_let_in_is_named_in_the_log(bid_db_url: str) -> None:
    with capture_logs() as logs:
        async with open_house(as_stranger(bid_db_url)) as house:
            with pytest.raises(Unavailable):
                await house.bid(ItemId(str(uuid4())), 100)
    [line] = [entry for entry in logs if entry["event"] == "lane_connect_failed"]
    assert line["error"].startswith("authentication failed: ")


@pytest.mark.parametrize("arguments", [("migrate", "bids"), ("audit", "verify")])
async def test_a_user_who_is_not_let_in_is_named_by_a_command_in_one_line(
    bid_db_url: str, arguments: tuple[str, ...]
) -> None:
    status, said = await run(*arguments, env=environment(BID_DB_URL=as_stranger(bid_db_url)))
    assert status == 2
    assert said.startswith("gavel: a server is unavailable: authentication failed: correct user and password")
    assert (said.count("\n"), "s3cret" in said) == (1, False)


async def test_a_pooler_that_refuses_the_sessions_settings_is_named_with_the_remedy() -> None:
    with running_pgbouncer() as url:
        problem = await _problem(url) or ""
        assert problem == "the server refuses the session's settings, as PgBouncer does: connect to Postgres itself"
        status, output = await run("migrate", "bids", env=environment(BID_DB_URL=url))
    assert (status, output.count("\n")) == (2, 1)
    assert problem in output


async def test_a_database_that_is_not_there_is_named(postgres_server: PostgresServer) -> None:
    assert (await _problem(postgres_server.url("no_such_db")) or "").startswith("there is no database of that name")


async def test_a_read_only_database_and_a_right_that_is_missing_are_named(bid_pool: asyncpg.Pool) -> None:
    async with bid_pool.acquire() as connection:
        with pytest.raises(postgres.DATABASE_ERRORS) as read_only:
            await connection.execute("SET TRANSACTION READ ONLY; CREATE TABLE t ()")
        with pytest.raises(postgres.DATABASE_ERRORS) as forbidden:
            await connection.execute("SET ROLE pg_monitor; SELECT * FROM bids")
    assert "read-only" in reason_of(read_only.value)
    assert "GRANT_TO" in reason_of(forbidden.value)


async def test_a_server_that_is_not_there_is_named_by_the_error() -> None:
    assert await _problem("postgresql://gavel@127.0.0.1:1/bid_db") == "no answer (ConnectionRefusedError)"
