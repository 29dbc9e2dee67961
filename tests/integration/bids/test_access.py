"""A borrowed connection: a cancelled caller stays cancelled, whatever became of the connection meanwhile."""

import asyncio

import asyncpg
import pytest

from gavel.bids.adapters.postgres.connections import borrowed
from tests.auction_house import until

pytestmark = [pytest.mark.integration, pytest.mark.fault]


async def test_cancelled_after_the_connection_was_cut_is_cancelled_and_the_pool_goes_on(bid_pool: asyncpg.Pool) -> None:
    lent: asyncio.Future[asyncpg.Connection] = asyncio.get_running_loop().create_future()

    async def borrow() -> None:
        async with borrowed(bid_pool, "nothing came of it") as connection:
            lent.set_result(connection)
            await asyncio.Event().wait()

    borrower = asyncio.create_task(borrow())
    connection = await lent
    await bid_pool.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())

    async def lost() -> bool:
        return bid_pool.get_size() == bid_pool.get_idle_size()

    await until(lost)
    borrower.cancel()
    await asyncio.wait([borrower])
    assert borrower.cancelled()
    assert await bid_pool.fetchval("SELECT 1") == 1
