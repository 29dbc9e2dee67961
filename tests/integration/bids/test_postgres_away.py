"""Postgres absent, killed, frozen, or out of connections: callers get errors in time, nothing acknowledged is lost."""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from itertools import count

import pytest
import pytest_asyncio

from gavel.bids.adapters.postgres import connections as bid_db
from gavel.bids.adapters.postgres.reading.item_catalogue import PostgresItemCatalogue
from gavel.bids.adapters.postgres.writing import batch
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.decision import Answer
from gavel.bids.domain.refusals import BidRefused
from gavel.bids.ports.book import DeadlineExceeded, Unavailable
from gavel.runtime.postgres import connections as postgres
from tests.auction_house import House, explained, new_user, open_house, soon, until
from tests.servers.own_postgres import OwnPostgres, own_postgres

pytestmark = [pytest.mark.integration, pytest.mark.fault]

# What an acknowledged bid is known by: its item's seq, and its amount.
Acknowledged = tuple[int, int]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncGenerator[OwnPostgres]:
    """A server that this module may harm."""
    async with own_postgres() as server:
        yield server


@contextmanager
def _thawed_after(server: OwnPostgres) -> Generator[None]:
    try:
        yield
    finally:
        server.thaw()


async def _comes_back(house: House, item_id: ItemId, seconds: float = 60) -> None:
    """Bid until a bid is accepted."""

    async def accepted() -> bool:
        try:
            await house.bid(item_id, (await house.state(item_id))["price"] + 1, call=soon(1))
        except (Unavailable, DeadlineExceeded, *postgres.DATABASE_ERRORS):
            return False
        return True

    await until(accepted, seconds)


async def test_absent_at_start_is_reported_at_once_and_noticed_when_it_comes(server: OwnPostgres) -> None:
    async with open_house(server.url) as house:
        item_id = await house.list_item()
    await server.stop()
    async with open_house(server.url) as house:
        began = time.monotonic()
        for _ in range(20):
            with pytest.raises(Unavailable):
                await house.bid(item_id, 1)
        with pytest.raises(Unavailable):
            await house.list_item()
        # Were each connected for in its full time, it would be a minute.
        assert time.monotonic() - began < 10
        await server.start()
        await _comes_back(house, item_id)


async def test_stopped_hard_under_load_and_started_again_nothing_acknowledged_is_missing(server: OwnPostgres) -> None:
    acknowledged: list[Acknowledged] = []
    told: list[object] = []
    async with open_house(server.url) as house:
        item_id, amounts, done = await house.list_item(), count(1), asyncio.Event()

        async def bidder() -> None:
            user = new_user()
            while not done.is_set():
                amount = next(amounts)
                try:
                    answer = await house.bid(item_id, amount, by=user, key=str(amount), call=soon(2))
                except BidRefused:
                    continue
                except (Unavailable, DeadlineExceeded) as error:
                    told.append(error)
                    await asyncio.sleep(0.01)
                    continue
                assert answer.bid is not None
                acknowledged.append((answer.bid.seq, answer.bid.amount))

        async def enough() -> bool:
            return len(acknowledged) > 200

        bidders = [asyncio.create_task(bidder()) for _ in range(32)]
        await until(enough)
        await server.stop_hard()

        async def noticed() -> bool:
            return len(told) >= len(bidders)

        await until(noticed)
        before = len(acknowledged)
        await server.start()

        async def going_on() -> bool:
            return len(acknowledged) > before + 100

        await until(going_on, 60)
        done.set()
        await asyncio.gather(*bidders)
        stored = await house.bids(item_id)
    assert set(acknowledged) <= set(stored)
    assert len(acknowledged) == len(set(acknowledged))
    assert [seq for seq, _ in stored] == list(range(2, len(stored) + 2))
    assert explained(told).keys() <= {"Unavailable", "DeadlineExceeded"}


async def test_frozen_it_costs_callers_their_deadline_and_no_more(
    server: OwnPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(server.url) as house:
        item_id = await house.list_item()
        await house.bid(item_id, 1)
        catalogue = PostgresItemCatalogue(house.pool)
        server.freeze()
        with monkeypatch.context() as hasty, _thawed_after(server):
            hasty.setattr(batch, "LANE_STATEMENT_SECONDS_MAX", 0.5)
            hasty.setattr(bid_db, "READ_SECONDS_MAX", 0.3)
            began = time.monotonic()
            calls = [house.bid(item_id, amount, key="k", call=soon(0.3)) for amount in range(2, 50)]
            reads = [catalogue.item(item_id) for _ in range(12)]
            results = await asyncio.gather(*calls, *reads, house.list_item(call=soon(0.3)), return_exceptions=True)
            took_seconds = time.monotonic() - began
            await asyncio.gather(*(house.bid(item_id, 60, call=soon(0.5)) for _ in range(3)), return_exceptions=True)
        assert explained(results).keys() <= {"DeadlineExceeded", "Unavailable"}
        assert took_seconds < postgres.CONNECT_SECONDS_MAX
        await _comes_back(house, item_id)
        await catalogue.item(item_id)
        stored = await house.bids(item_id)
        assert [seq for seq, _ in stored] == list(range(2, len(stored) + 2))


async def test_a_pool_without_a_free_connection_is_unavailable_in_time_and_bids_notice_nothing(
    server: OwnPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(server.url) as house:
        item_id, catalogue = await house.list_item(), PostgresItemCatalogue(house.pool)
        held = [await house.pool.acquire() for _ in range(postgres.POOL_CONNECTIONS_MAX)]
        with monkeypatch.context() as hasty:
            hasty.setattr(bid_db, "READ_SECONDS_MAX", 0.1)
            with pytest.raises(Unavailable):
                await catalogue.item(item_id)
        with pytest.raises(DeadlineExceeded):
            await house.list_item(call=soon(0.1))
        assert isinstance(await house.bid(item_id, 1), Answer)
        for connection in held:
            await house.pool.release(connection)
        await catalogue.item(item_id)


async def test_frozen_it_keeps_no_pool_from_closing(server: OwnPostgres) -> None:
    pool = await postgres.open_pool(server.url, "tests")
    held = [await pool.acquire() for _ in range(3)]
    for connection in held:
        await pool.release(connection)
    server.freeze()
    with _thawed_after(server):
        async with asyncio.timeout(postgres.STATEMENT_SECONDS_MAX / 2):
            await pool.close()
    assert pool.get_size() == 0
