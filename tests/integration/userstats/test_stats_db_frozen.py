"""stats_db frozen: a counter can still be stopped."""

import asyncio

import pytest

from gavel.runtime.postgres import connections as postgres
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook
from tests.servers.own_postgres import own_postgres

pytestmark = [pytest.mark.integration, pytest.mark.fault]


async def test_a_counter_is_cancelled_without_an_answer_and_counts_again_after_it() -> None:
    async with own_postgres() as server, await postgres.open_stream_pool(await server.make_stats_db(), "tests") as pool:
        book = PostgresStatsBook(pool)
        await book.count([])
        server.freeze()
        try:
            counting = asyncio.create_task(book.count([]))
            # It waits for the server, which will not answer.
            await asyncio.wait([counting], timeout=0.2)
            counting.cancel()
            done, _ = await asyncio.wait([counting], timeout=postgres.STATEMENT_SECONDS_MAX / 2)
        finally:
            server.thaw()
        assert done
        assert counting.cancelled()
        assert (await book.count([])).new == 0
