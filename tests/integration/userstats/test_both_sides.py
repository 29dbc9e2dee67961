"""What the write side stored and what the read side counted of it agree exactly, also after a rebuild from the log."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import asyncpg
import pytest

from gavel.bids.adapters.postgres.feed import event_log as postgres_event_log
from gavel.bids.adapters.postgres.feed.event_log import read_event_log
from gavel.bids.adapters.postgres.outbox.outbox import PostgresOutbox
from gavel.bids.domain.auction import UserId
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.closing import close_due
from gavel.bids.ports.outbox import OutboxMessage
from gavel.runtime.postgres import connections as postgres
from gavel.userstats.adapters.event_codec import EventBatchReader
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook
from gavel.userstats.use_cases.rebuild_stats import rebuild_stats
from tests.auction_house import SELLER, House, new_user, open_house

pytestmark = pytest.mark.integration

READER = EventBatchReader()
BIDDERS = [new_user() for _ in range(4)]
ALL_ROWS = 10_000

STORED = (
    "SELECT user_id::text, count(*), sum(amount)::bigint, max(created_at), max(amount), count(DISTINCT item_id)"
    " FROM bids GROUP BY user_id ORDER BY user_id"
)
COUNTED = (
    "SELECT user_id::text, total_bids, total_amount, last_bid_at, highest_bid, items_bid_on"
    " FROM user_stats WHERE is_bidder ORDER BY user_id"
)
EVERY_ROW = "SELECT user_stats::text FROM user_stats ORDER BY user_id"


@pytest.fixture
async def house(bid_db_url: str) -> AsyncGenerator[House]:
    async with open_house(bid_db_url) as opened:
        yield opened


async def _a_busy_day(house: House, bidders: Sequence[UserId]) -> None:
    """Proxies that answer each other, a sale by time, a sale at once, and an item without bids."""
    war, bought, unwanted = [await house.list_item(buy_now_price=price) for price in (0, 500, 0)]
    for price in range(1_000, 6_000, 1_000):
        await house.bid(war, price, by=bidders[0], max_amount=price + 100)
        for number, bidder in enumerate(bidders[1:], start=1):
            await house.bid(war, price + 30 * number, by=bidder)
    await house.decide(bought, lambda auction, at: buy_now(auction, at, bidders[0]))
    for item_id in (war, unwanted):
        await house.end_now(item_id)
        await house.decide(item_id, close_due)


async def _relayed(house: House, book: PostgresStatsBook) -> int:
    """Count all that is owed to the broker; how many events were new."""
    new = 0

    async def count(messages: Sequence[OutboxMessage]) -> None:
        nonlocal new
        for message in messages:
            read = READER.read(message.body)
            assert not read.unreadable
            new += (await book.count(read.events)).new

    while await PostgresOutbox(house.pool).relay(count, ALL_ROWS):
        pass
    return new


async def _rebuilt(house: House, book: PostgresStatsBook) -> int:
    connection = await postgres.connect(house.url, "tests")
    try:
        async with aclosing(read_event_log(connection)) as log:
            return await rebuild_stats(book, READER, log)
    finally:
        await connection.close()


async def _rows(pool: asyncpg.Pool, statement: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await pool.fetch(statement)]


async def test_the_totals_are_the_sums_over_the_stored_bids(house: House, stats_pool: asyncpg.Pool) -> None:
    book = PostgresStatsBook(stats_pool)
    await _a_busy_day(house, BIDDERS)
    assert await _relayed(house, book) > 30
    counted = await _rows(stats_pool, COUNTED)
    assert len(counted) == len(BIDDERS)
    assert counted == await _rows(house.pool, STORED)
    seller = await book.stats_of(SELLER)  # type: ignore[arg-type]
    assert seller is not None
    assert seller.items_sold == 2
    assert seller.amount_sold == sum(stats.amount_won for stats in await book.top_bidders(None, 100))


async def test_totals_rebuilt_from_the_log_equal_the_live_ones(house: House, stats_pool: asyncpg.Pool) -> None:
    book = PostgresStatsBook(stats_pool)
    await _a_busy_day(house, BIDDERS)
    relayed = await _relayed(house, book)
    live = await _rows(stats_pool, EVERY_ROW)
    await stats_pool.execute("TRUNCATE counted_events, bid_items, user_stats")
    assert await _rebuilt(house, book) == relayed
    assert await _rows(stats_pool, EVERY_ROW) == live


async def test_what_is_committed_while_the_log_is_read_counts_once_and_nothing_is_held_for_it(
    house: House, stats_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_event_log, "LOG_ROWS_MAX", 3)
    book = PostgresStatsBook(stats_pool)
    await _a_busy_day(house, BIDDERS)
    connection = await postgres.connect(house.url, "tests")
    looks: list[tuple[object, ...]] = []

    async def disturbed() -> AsyncGenerator[bytes]:
        async with aclosing(read_event_log(connection)) as log:
            async for message in log:
                if len(looks) % 4 == 0:
                    await house.bid(await house.list_item(), 100, by=BIDDERS[len(looks) % len(BIDDERS)])
                    await _relayed(house, book)
                looks.append(
                    *await _rows(
                        house.pool,
                        f"SELECT state, backend_xmin FROM pg_stat_activity WHERE pid = {connection.get_server_pid()}",
                    )
                )
                yield message

    async with aclosing(disturbed()) as log:
        await rebuild_stats(book, READER, log)
    await connection.close()
    assert len(looks) > 10
    assert set(looks) == {("idle", None)}
    assert await _rows(stats_pool, COUNTED) == await _rows(house.pool, STORED)


async def test_what_is_owed_while_the_log_is_read_counts_once(house: House, stats_pool: asyncpg.Pool) -> None:
    book = PostgresStatsBook(stats_pool)
    await _a_busy_day(house, BIDDERS)
    assert await _rebuilt(house, book) > 30
    rebuilt = await _rows(stats_pool, EVERY_ROW)
    assert await _relayed(house, book) == 0
    assert await _rows(stats_pool, EVERY_ROW) == rebuilt
    assert await _rows(stats_pool, COUNTED) == await _rows(house.pool, STORED)
