"""Upkeep of bid_db: auctions are noted as started."""

import asyncio
from datetime import timedelta

import pytest

from gavel.bids.adapters.connect.status_page import StatusPage
from gavel.bids.adapters.postgres.reading.item_catalogue import PostgresItemCatalogue
from gavel.bids.adapters.postgres.upkeep import upkeep as postgres_upkeep
from gavel.bids.adapters.postgres.upkeep.upkeep import PostgresUpkeep
from gavel.bids.domain.auction import ItemId, Status
from gavel.bids.domain.changing import cancel_item
from gavel.bids.domain.closing import close_due
from tests.auction_house import SELLER, House

pytestmark = pytest.mark.integration


async def _active(house: House) -> int:
    shown = (await StatusPage(house.pool, lambda: 0).metrics())["items_active"]
    assert isinstance(shown, int)
    listed, _ = await PostgresItemCatalogue(house.pool).items(Status.ACTIVE, "", None, 100)
    assert shown == len(listed)
    return shown


async def _move(house: House, item_id: ItemId, setting: str) -> None:
    """Change a time past the guards, so that nothing has to wait for it."""
    async with house.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(f"UPDATE auctions SET {setting} WHERE item_id = $1", item_id)


async def test_open_auctions_are_counted_through_their_whole_life(new_house: House) -> None:
    house, upkeep = new_house, PostgresUpkeep(new_house.pool)
    closed, cancelled, sold = [await house.list_item(buy_now_price=900) for _ in range(3)]
    scheduled = await house.list_item(starts_in=timedelta(minutes=10))
    assert await _active(house) == 3
    await _move(house, scheduled, "start_at = clock_timestamp()")
    assert await _active(house) == 4, "it counts before it is noted"
    assert not await upkeep.note_started()
    assert (await house.state(scheduled))["started"]
    assert await _active(house) == 4
    await house.end_now(closed)
    assert await _active(house) == 3, "an end counts before the close"
    await house.decide(closed, close_due)
    assert await _active(house) == 3
    await house.decide(cancelled, lambda auction, at: cancel_item(auction, at, SELLER))
    assert await _active(house) == 2
    await house.bid(sold, 100)
    assert await _active(house) == 2


async def test_a_scheduled_item_that_is_cancelled_is_never_counted(new_house: House) -> None:
    item_id = await new_house.list_item(starts_in=timedelta(minutes=10))
    await new_house.decide(item_id, lambda auction, at: cancel_item(auction, at, SELLER))
    await _move(new_house, item_id, "start_at = clock_timestamp() - interval '1 second'")
    assert not await PostgresUpkeep(new_house.pool).note_started()
    assert not (await new_house.state(item_id))["started"]
    assert await _active(new_house) == 0


async def test_many_starts_at_once_are_noted_in_passes(new_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_upkeep, "STARTED_AUCTIONS_MAX", 2)
    for _ in range(3):
        await _move(
            new_house, await new_house.list_item(starts_in=timedelta(minutes=10)), "start_at = clock_timestamp()"
        )
    upkeep = PostgresUpkeep(new_house.pool)
    assert [await upkeep.note_started(), await upkeep.note_started()] == [True, False]
    assert await new_house.pool.fetchval("SELECT sum(auctions) FROM open_auction_counts") == 3


async def test_an_auction_that_a_bid_holds_is_noted_later(new_house: House) -> None:
    item_id = await new_house.list_item(starts_in=timedelta(minutes=10))
    await _move(new_house, item_id, "start_at = clock_timestamp()")
    upkeep = PostgresUpkeep(new_house.pool)
    async with new_house.lock_held(item_id) as release:
        await asyncio.wait_for(upkeep.note_started(), 5)
        assert not (await new_house.state(item_id))["started"]
        await release()
    await upkeep.note_started()
    assert (await new_house.state(item_id))["started"]
