"""The stats book on a real Postgres keeps the promises of the port, and the database holds the invariants too."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from gavel.runtime.postgres import connections as postgres
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook
from gavel.userstats.domain.events import Event
from gavel.userstats.ports import NotCountable, Unavailable
from tests.suites.stats_book_suite import EVERYONE, StatsBookSuite, log_of
from tests.unit.userstats.histories import a_bid, a_history, a_user, totals_in, totals_of

pytestmark = pytest.mark.integration

A_ROW = (
    "INSERT INTO user_stats (user_id, total_bids, total_amount, last_updated_at, last_bid_at, highest_bid,"
    " items_bid_on, items_won, amount_won, items_sold, amount_sold)"
    " VALUES (gen_random_uuid(), {total_bids}, {total_amount}, {last_updated_at}, {last_bid_at}, {highest_bid},"
    " {items_bid_on}, {items_won}, {amount_won}, {items_sold}, {amount_sold})"
)
GOOD_ROW = {
    "total_bids": "2",
    "total_amount": "300",
    "last_updated_at": "'2026-03-01 12:00Z'",
    "last_bid_at": "'2026-03-01 12:00Z'",
    "highest_bid": "200",
    "items_bid_on": "1",
    "items_won": "1",
    "amount_won": "200",
    "items_sold": "0",
    "amount_sold": "0",
}


class TestPostgresStatsBook(StatsBookSuite):
    """The suite on real tables."""

    @pytest.fixture
    async def stats_book(self, stats_pool: asyncpg.Pool) -> PostgresStatsBook:
        return PostgresStatsBook(stats_pool)


@pytest.mark.usefixtures("alters_schema")
async def test_what_the_database_refuses_is_counted_not_at_all(stats_pool: asyncpg.Pool) -> None:
    book = PostgresStatsBook(stats_pool)
    await stats_pool.execute("ALTER TABLE user_stats ADD CHECK (total_amount <> 666)")
    bad, good = a_bid(1, 666), a_bid(2, 500)
    with pytest.raises(NotCountable, match="the database refuses it"):
        await book.count([good, bad])
    assert await totals_in(book, EVERYONE) == {}
    assert (await book.count([good])).new == 1


async def test_a_database_that_is_away_is_unavailable() -> None:
    async with await postgres.open_pool("postgresql://gavel@127.0.0.1:1/stats_db", "tests") as pool:
        with pytest.raises(Unavailable):
            await PostgresStatsBook(pool).count([a_bid(1, 500)])


async def test_a_rebuild_whose_session_was_killed_harms_nothing(stats_pool: asyncpg.Pool) -> None:
    book = PostgresStatsBook(stats_pool)
    history = a_history(29, 200)

    async def log() -> AsyncIterator[Sequence[Event]]:
        yield history[:50]
        await stats_pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        yield history[50:100]

    await book.count(history[:150])
    with pytest.raises(Unavailable):
        await book.rebuild(log())
    await book.count(history[150:])
    assert await stats_pool.fetchval("SELECT count(*) FROM rebuild.counted_events") == 50
    assert await totals_in(book, EVERYONE) == totals_of(history)
    assert await book.rebuild(log_of(history)) == 200
    assert await totals_in(book, EVERYONE) == totals_of(history)


async def test_a_rebuild_leaves_the_tables_as_the_migration_made_them(stats_pool: asyncpg.Pool) -> None:
    book = PostgresStatsBook(stats_pool)
    described = (
        "SELECT relation, conname, pg_get_constraintdef(oid) FROM pg_constraint,"
        " LATERAL (SELECT conrelid::regclass::text) AS named(relation) WHERE connamespace IN"
        " ('public'::regnamespace, 'rebuild'::regnamespace)"
        " UNION ALL SELECT schemaname || '.' || tablename, indexname, indexdef FROM pg_indexes"
        " WHERE schemaname IN ('public', 'rebuild') ORDER BY 1, 2, 3"
    )
    migrated = [tuple(row) for row in await stats_pool.fetch(described)]
    assert migrated
    await book.rebuild(log_of([a_bid(1, 500)]))
    assert [tuple(row) for row in await stats_pool.fetch(described)] == migrated
    assert await stats_pool.fetchval("SELECT count(*) FROM rebuild.user_stats") == 0


async def test_reads_go_on_while_a_rebuild_changes_the_tables(stats_pool: asyncpg.Pool) -> None:
    book = PostgresStatsBook(stats_pool)
    bid = a_bid(1, 500)
    expected = totals_of([bid])[a_user(1)]
    await book.count([bid])
    done = asyncio.Event()
    reads = 0

    async def reader() -> None:
        nonlocal reads
        while not done.is_set():
            assert await book.stats_of(a_user(1)) == expected
            reads += 1

    async def rebuilder() -> None:
        for _ in range(5):
            await book.rebuild(log_of([bid]))
        done.set()

    async with asyncio.TaskGroup() as tasks:
        for part in (rebuilder(), reader(), reader()):
            tasks.create_task(part)
    assert reads > 0


async def test_the_list_of_top_bidders_is_read_from_its_index(stats_pool: asyncpg.Pool) -> None:
    book = PostgresStatsBook(stats_pool)
    await book.count([a_bid(number, 10) for number in range(5_000)])
    await stats_pool.execute("ANALYZE user_stats")
    plan = await stats_pool.fetch(
        "EXPLAIN SELECT user_id FROM user_stats WHERE is_bidder AND (amount_won, user_id) < (5, gen_random_uuid())"
        " ORDER BY amount_won DESC, user_id DESC LIMIT 20"
    )
    assert "Index" in plan[1][0]
    assert "top_bidders" in plan[1][0]


async def test_a_good_row_passes_every_constraint(stats_pool: asyncpg.Pool) -> None:
    assert await stats_pool.execute(A_ROW.format(**GOOD_ROW)) == "INSERT 0 1"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("total_bids", "-1"),
        ("total_bids", "0"),
        ("total_amount", "1"),
        ("highest_bid", "301"),
        ("highest_bid", "0"),
        ("items_bid_on", "3"),
        ("items_bid_on", "-1"),
        ("last_bid_at", "NULL"),
        ("last_bid_at", "'2026-03-01 12:01Z'"),
        ("items_won", "-1"),
        ("amount_won", "0"),
        ("items_sold", "1"),
        ("amount_sold", "-1"),
    ],
)
async def test_a_row_that_can_not_be_is_refused_by_the_database(
    stats_pool: asyncpg.Pool, column: str, value: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await stats_pool.execute(A_ROW.format(**(GOOD_ROW | {column: value})))
