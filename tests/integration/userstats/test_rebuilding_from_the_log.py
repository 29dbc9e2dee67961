"""A rebuild reads the log as the messages that live counting gets, and makes the same rows of them."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from structlog.testing import capture_logs

from gavel.runtime.postgres import connections as postgres
from gavel.userstats.adapters.event_codec import EventBatchReader
from gavel.userstats.adapters.postgres import rebuild
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook
from gavel.userstats.use_cases.rebuild_stats import LogUnreadable, rebuild_stats
from tests.unit.userstats.messages import ANNA, BELA, LAMP, SELLER, VASE, after, bid, body, closed, extended, listed
from tests.unit.userstats.poison import POISON

pytestmark = pytest.mark.integration

READER = EventBatchReader()
EVERY_ROW = "SELECT user_stats::text FROM user_stats ORDER BY user_id"
LOG = [
    body([listed(), bid(ANNA, 1_000, seq=2, at=after(1)), bid(BELA, 1_200, seq=3, at=after(2), automatic=True)]),
    body([bid(ANNA, 300, seq=2, at=after(3), item_id=LAMP), extended(seq=4, at=after(4), item_id=VASE)]),
    body([closed(BELA, 1_200, seq=5, at=after(60)), closed("", 0, seq=3, at=after(61), item_id=LAMP)]),
]


async def _log(*bodies: bytes) -> AsyncIterator[bytes]:
    for each in bodies:
        yield each


async def _rows(pool: asyncpg.Pool) -> list[str]:
    return [row[0] for row in await pool.fetch(EVERY_ROW)]


async def test_stats_truncated_and_rebuilt_equal_the_live_ones(stats_pool: asyncpg.Pool) -> None:
    book = PostgresStatsBook(stats_pool)
    for message in (*LOG[::-1], *LOG):
        await book.count(READER.read(message).events)
    live = await _rows(stats_pool)
    assert len(live) == 3
    await stats_pool.execute("TRUNCATE counted_events, bid_items, user_stats")
    assert await rebuild_stats(book, READER, _log(*LOG)) == 7
    assert await _rows(stats_pool) == live
    seller = await book.stats_of(SELLER)
    assert seller is not None
    assert seller.last_updated_at == after(60)


async def test_a_log_that_can_not_be_read_changes_nothing(stats_pool: asyncpg.Pool) -> None:
    book = PostgresStatsBook(stats_pool)
    await book.count(READER.read(LOG[0]).events)
    live = await _rows(stats_pool)
    with pytest.raises(LogUnreadable, match="unknown kind of fact"):
        await rebuild_stats(book, READER, _log(LOG[1], POISON[0].body, LOG[2]))
    assert await _rows(stats_pool) == live


async def test_a_reader_at_the_end_delays_the_swap_and_stops_neither_it_nor_others(
    stats_db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader outlasts the time of a statement; a rebuild that waited in line for it would fail, and hold up all."""
    monkeypatch.setattr(postgres, "STATEMENT_SECONDS_MAX", 1.0)
    monkeypatch.setattr(rebuild, "LOCK_SECONDS_MAX", 0.2)
    monkeypatch.setattr(rebuild, "LOCK_PAUSE_SECONDS", 0.2)
    reader = await postgres.connect(stats_db_url, "tests-reader")
    with capture_logs() as logs:
        async with await postgres.open_pool(stats_db_url, "tests") as pool:
            book = PostgresStatsBook(pool)
            await book.count(READER.read(LOG[0]).events)
            await reader.execute("BEGIN; SELECT FROM user_stats")
            rebuilding = asyncio.create_task(rebuild_stats(book, READER, _log(*LOG)))
            while len([line for line in logs if line["event"] == "rebuild_lock_retried"]) < 5:
                await asyncio.sleep(0.01)
                assert not rebuilding.done()
                assert await book.stats_of(ANNA) is not None
                await book.count(READER.read(LOG[1]).events)
            await reader.close()
            # What was counted live before the rebuild came to it is not counted from the log again.
            assert 7 - len(READER.read(LOG[1]).events) <= await rebuilding <= 7
            live = await _rows(pool)
            assert await rebuild_stats(book, READER, _log(*LOG)) == 7
            assert await _rows(pool) == live
