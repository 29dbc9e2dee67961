"""The role of the stats API and the stats worker: it counts, forgets and reads, and only the owner rebuilds."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import asyncpg
import pytest
import pytest_asyncio

from gavel.runtime.postgres import connections as postgres
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook
from gavel.userstats.domain.events import Event
from gavel.userstats.ports import Unavailable
from tests.e2e.gavel_process import environment, run
from tests.integration.roles.service_roles import explain, granted, sqlstate, statements
from tests.integration.userstats.conftest import EMPTY
from tests.servers.postgres import PostgresServer
from tests.suites.stats_book_suite import EVERYONE, CountingSuite, ForgettingSuite
from tests.unit.userstats.histories import a_history, totals_in, totals_of

pytestmark = pytest.mark.integration

ADAPTERS = "gavel.userstats.adapters"
# Letters are kept here only by `gavel standalone`, which owns its databases.
STANDALONE = {"count_dead_letters", "drop_dead_letters", "list_dead_letters", "put_dead_letters"}
INSUFFICIENT_PRIVILEGE = "42501"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def urls(postgres_server: PostgresServer) -> AsyncGenerator[tuple[str, str]]:
    """The owner's URL, and the role's."""
    async with granted(postgres_server, "gavel.userstats", "stats_template", "stats_app") as urls:
        yield urls


@pytest.fixture
async def owner(urls: tuple[str, str]) -> AsyncGenerator[asyncpg.Pool]:
    """A pool of the owner's on an empty database."""
    async with await postgres.open_pool(urls[0], "tests") as pool:
        await pool.execute(EMPTY)
        yield pool


@pytest.fixture
async def stats_book(owner: asyncpg.Pool, urls: tuple[str, str]) -> AsyncGenerator[PostgresStatsBook]:
    """The book as the role has it."""
    async with await postgres.open_pool(urls[1], "tests") as pool:
        yield PostgresStatsBook(pool)


class TestCountingAsTheRole(CountingSuite, ForgettingSuite):
    """All that a counter promises."""


@pytest.mark.parametrize(("package", "name"), statements(ADAPTERS))
async def test_every_statement_of_the_services_is_allowed_and_no_other(
    urls: tuple[str, str], package: str, name: str
) -> None:
    if name in STANDALONE:
        with pytest.raises(postgres.DATABASE_ERRORS, match="permission denied"):
            await explain(urls[1], package, name)
    else:
        await explain(urls[1], package, name)


async def test_the_role_counts_during_and_after_a_rebuild_by_the_owner(
    owner: asyncpg.Pool, stats_book: PostgresStatsBook
) -> None:
    history = a_history(7, 300)

    async def log() -> AsyncIterator[Sequence[Event]]:
        yield history[:100]
        await stats_book.count(history[100:200])

    await stats_book.count(history[:100])
    assert await PostgresStatsBook(owner).rebuild(log()) == 100
    # The tables have changed places, and the rights with them.
    await stats_book.count(history[200:])
    assert await totals_in(stats_book, EVERYONE) == totals_of(history)


async def test_the_role_can_not_rebuild(stats_book: PostgresStatsBook) -> None:
    history = a_history(7, 100)
    await stats_book.count(history)

    async def log() -> AsyncIterator[Sequence[Event]]:
        yield history

    with pytest.raises(Unavailable, match="the role lacks a right"):
        await stats_book.rebuild(log())
    assert await totals_in(stats_book, EVERYONE) == totals_of(history)


async def test_a_rebuild_by_command_as_the_role_fails_and_the_error_asks_for_the_owner(
    urls: tuple[str, str], bid_db_url: str
) -> None:
    said = "gavel: the database denies this role permission: connect as the owner of the schema\n"
    assert await run("stats", "rebuild", env=environment(BID_DB_URL=bid_db_url, STATS_DB_URL=urls[1])) == (2, said)
    env = environment(BID_DB_URL=bid_db_url, STATS_DB_URL=urls[0])
    assert await run("stats", "rebuild", env=env, out=True) == (0, "0 events counted from the log\n")


FORBIDDEN = [
    "TRUNCATE user_stats",
    "DELETE FROM user_stats",
    "UPDATE counted_events SET event_id = gen_random_uuid()",
    "DELETE FROM bid_items",
    "DELETE FROM counting",
    "UPDATE installation SET page_token_secret = ''",
    "DROP TABLE user_stats",
    "DROP SCHEMA rebuild CASCADE",
    "ALTER TABLE user_stats SET SCHEMA rebuild",
    "ALTER TABLE user_stats DROP CONSTRAINT parts_are_within_their_whole",
    "CREATE TABLE mine (id integer)",
    "CREATE TABLE rebuild.mine (id integer)",
    "CREATE SCHEMA mine",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_what_would_alter_the_schema_or_empty_the_totals_is_refused(
    urls: tuple[str, str], statement: str
) -> None:
    assert await sqlstate(urls[1], statement) == INSUFFICIENT_PRIVILEGE
