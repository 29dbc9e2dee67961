"""Reads of large tables: each takes a moment, and no scan that grows with them. `make test-scale` makes larger ones."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from gavel.bids.adapters.connect.status_page import StatusPage
from gavel.bids.adapters.postgres.reading.bid_trace import bid_trace
from gavel.bids.adapters.postgres.reading.item_catalogue import PostgresItemCatalogue
from gavel.bids.adapters.postgres.reading.leaderboards import PostgresLeaderboards
from gavel.bids.domain.auction import ItemId, Status, UserId, event_id
from gavel.runtime.postgres import connections as postgres
from tests.large_tables import LargeTables
from tests.servers.postgres import PostgresServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1_800)]

ITEMS, ITEMS_WHOLE = 50_000, 1_000_000
READ_SECONDS_MAX = 0.05
TRIES = 5
# A page of 21 items is 21 rows of two tables, each by its key.
BLOCKS_MAX = 1_000
PAGE = 21
LARGE = {"auctions", "listings", "bids", "item_events", "standings"}


@dataclass(frozen=True, slots=True)
class Large:
    """The tables, a pool, and every statement that was run through it."""

    tables: LargeTables
    pool: asyncpg.Pool
    statements: list[tuple[str, tuple[object, ...]]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def large(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> AsyncGenerator[Large]:
    items = ITEMS_WHOLE if request.config.getoption("--whole") else ITEMS
    tables = LargeTables(items, datetime.now(UTC))
    async with postgres_server.database("large_tables", "bid_template") as url:
        connection = await postgres.connect(url, "tests")
        started = perf_counter()
        try:
            await tables.copy(connection)
        finally:
            await connection.close()
        print(f"{items} items were copied in {perf_counter() - started:.0f} s")
        statements: list[tuple[str, tuple[object, ...]]] = []
        async with await postgres.open_pool(url, "tests", 1) as pool:
            async with pool.acquire() as lent:
                lent.add_query_logger(lambda query: statements.append((query.query, tuple(query.args or ()))))
            yield Large(tables, pool, statements)


Read = Callable[[Large], Awaitable[object]]


def _listing(status: Status, category: str) -> Read:
    return lambda large: PostgresItemCatalogue(large.pool).items(status, category, None, PAGE)


async def _trace(large: Large) -> object:
    async with large.pool.acquire() as connection:
        at = await connection.fetchval(
            "SELECT created_at FROM bids WHERE item_id = $1 AND seq = 1000", large.tables.hot_id
        )
        large.statements.clear()
        bid_id = event_id(ItemId(large.tables.hot_id), 1_000, at)
        return await bid_trace(connection, bid_id)  # type: ignore[arg-type]


# Every read of lists, boards and bids, through the code that serves it.
READS: dict[str, Read] = {
    **{f"{status.value} items": _listing(status, "") for status in Status},
    **{f"{status.value} items of a category": _listing(status, LargeTables.rare) for status in Status},
    "items of a seller": lambda large: PostgresItemCatalogue(large.pool).items_of_seller(
        UserId(large.tables.seller), None, PAGE
    ),
    "items of a bidder": lambda large: PostgresItemCatalogue(large.pool).items_of_bidder(
        UserId(large.tables.bidder), None, PAGE
    ),
    "bids of an item": lambda large: PostgresItemCatalogue(large.pool).bids(ItemId(large.tables.hot_id), None, PAGE),
    "an item": lambda large: PostgresItemCatalogue(large.pool).item(ItemId(large.tables.hot_id)),
    "a leaderboard": lambda large: PostgresLeaderboards(large.pool).board(ItemId(large.tables.hot_id), 10),
    "the status page": lambda large: StatusPage(large.pool, lambda: 0).status(),
    "the trace of a bid": _trace,
}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("read", READS)
async def test_a_read_takes_a_moment_and_no_scan_that_grows(large: Large, read: str) -> None:
    large.statements.clear()
    shown = await READS[read](large)
    assert shown[0] if isinstance(shown, tuple) else shown
    # A board that no cache has is sorted: it grows with its item's bidders, and with nothing else.
    blocks_max = BLOCKS_MAX + (large.tables.hot_bidders if read == "a leaderboard" else 0)
    # Gavel's own statements begin with a comment; the driver's do not.
    statements = [(query, arguments) for query, arguments in large.statements if query.startswith("-- ")]
    assert statements
    for query, arguments in statements:
        plan = await _explained(large.pool, query, arguments)
        print(*_lines(plan), sep="\n")
        assert _whole_tables(plan) == []
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= blocks_max
    assert min([await _seconds(READS[read], large) for _ in range(TRIES)]) < READ_SECONDS_MAX


@pytest.mark.asyncio(loop_scope="module")
async def test_the_status_page_counts_what_takes_bids(large: Large) -> None:
    status = await StatusPage(large.pool, lambda: 0).status()
    assert status["items_active"] == large.tables.open_count()


async def _explained(pool: asyncpg.Pool, query: str, arguments: Sequence[object]) -> dict[str, Any]:
    """The plan that a session keeps for the statement, as it ran."""
    async with pool.acquire() as connection:
        await connection.execute(f"PREPARE planned AS {query}")
        values = f"({', '.join(map(_literal, arguments))})" if arguments else ""
        [row] = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE planned {values}")
        await connection.execute("DEALLOCATE planned")
    return json.loads(row[0])[0]["Plan"]


def _literal(value: object) -> str:
    return str(value) if isinstance(value, int) else f"'{value}'"


def _lines(plan: dict[str, Any], depth: int = 0) -> list[str]:
    """A plan in short."""
    names = ("Node Type", "Relation Name", "Index Name", "Actual Rows", "Actual Loops", "Shared Hit Blocks")
    line = " ".join(str(plan[name]) for name in names if name in plan)
    return [f"{'  ' * depth}{line}", *(each for part in plan.get("Plans", ()) for each in _lines(part, depth + 1))]


def _whole_tables(plan: dict[str, Any]) -> list[str]:
    """The large tables that a plan reads from end to end."""
    found = [plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in LARGE else []
    return found + [table for part in plan.get("Plans", ()) for table in _whole_tables(part)]


async def _seconds(read: Read, large: Large) -> float:
    started = perf_counter()
    await read(large)
    return perf_counter() - started
