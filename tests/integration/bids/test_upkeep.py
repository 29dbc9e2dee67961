"""Upkeep of bid_db: auctions are noted as started, and idempotency keys end 30 days after their auction."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from gavel.bids.adapters.connect.status_page import StatusPage
from gavel.bids.adapters.postgres.reading.item_catalogue import PostgresItemCatalogue
from gavel.bids.adapters.postgres.upkeep import upkeep as postgres_upkeep
from gavel.bids.adapters.postgres.upkeep.upkeep import PostgresUpkeep
from gavel.bids.domain.auction import ItemId, Status
from gavel.bids.domain.changing import cancel_item
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.listing import Draft
from gavel.bids.domain.refusals import BidRefused
from gavel.bids.domain.texts import Listing
from tests.auction_house import SELLER, House, new_user, until

pytestmark = pytest.mark.integration

ANNA = new_user()
KEPT = timedelta(days=30)


async def _active(house: House) -> int:
    shown = (await StatusPage(house.pool, lambda: 0).status())["items_active"]
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


async def _over(house: House, over_since: timedelta, bids: int = 2) -> ItemId:
    """An item with keys, closed so long ago."""
    draft = Draft(
        seller_id=SELLER,
        listing=Listing(title="A vase"),
        end_at=datetime.now(UTC) + timedelta(hours=1),
        start_price=1,
    )
    item_id = (await house.list_draft(draft, key=str(new_user()))).auction.item_id
    for amount in range(1, bids + 1):
        await house.bid(item_id, amount * 100, by=ANNA if amount == 1 else None, key="k")
    await house.end_now(item_id)
    await house.decide(item_id, close_due)
    at = f"clock_timestamp() - interval '{over_since.total_seconds()} seconds'"
    await _move(house, item_id, f"closed_at = {at}, end_at = {at}")
    return item_id


async def _keys(house: House, item_id: ItemId) -> tuple[int, int]:
    """How many keys there are of bids on an item, and of the item itself."""
    counts = [
        await house.pool.fetchval(f"SELECT count(*) FROM {table} WHERE item_id = $1", item_id)
        for table in ("bid_keys", "item_keys")
    ]
    return counts[0], counts[1]


async def test_keys_live_until_30_days_after_the_close(new_house: House) -> None:
    house = new_house
    long_over, over = await _over(house, KEPT), await _over(house, KEPT - timedelta(minutes=1))
    running = await house.list_item()
    await house.bid(running, 100, key="k")
    assert not await PostgresUpkeep(house.pool).prune_keys()
    assert [await _keys(house, each) for each in (long_over, over, running)] == [(0, 0), (2, 1), (1, 0)]
    with pytest.raises(BidRefused):
        await house.bid(long_over, 100, by=ANNA, key="k")
    assert (await house.bid(over, 100, by=ANNA, key="k")).replayed


async def test_the_keys_of_a_long_cancelled_item_end_too(new_house: House) -> None:
    item_id = await _over(new_house, KEPT, bids=0)
    await _move(new_house, item_id, "cancelled_at = closed_at, closed_at = NULL")
    await PostgresUpkeep(new_house.pool).prune_keys()
    assert await _keys(new_house, item_id) == (0, 0)


async def test_no_key_is_deleted_before_its_time(new_house: House) -> None:
    over, running = await _over(new_house, KEPT - timedelta(minutes=1)), await new_house.list_item()
    await new_house.bid(running, 100, key="k")
    for table, item_id in (("bid_keys", over), ("item_keys", over), ("bid_keys", running)):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await new_house.pool.execute(f"DELETE FROM {table} WHERE item_id = $1", item_id)


async def test_pruning_goes_on_where_it_was_and_leaves_out_nothing(
    new_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_upkeep, "PRUNED_AUCTIONS_MAX", 1)
    monkeypatch.setattr(postgres_upkeep, "PRUNED_KEYS_MAX", 2)
    items = [await _over(new_house, KEPT + timedelta(days=day), bids=3) for day in (3, 2, 1)]
    await _move(
        new_house,
        items[1],
        f"(closed_at, end_at) = (SELECT closed_at, end_at FROM auctions WHERE item_id = '{items[0]}')",
    )
    upkeep, passes = PostgresUpkeep(new_house.pool), 0
    while await upkeep.prune_keys():
        passes += 1
    assert passes > 3
    assert [await _keys(new_house, item_id) for item_id in items] == [(0, 0)] * 3


async def test_two_workers_prune_in_turn(new_house: House) -> None:
    item_id = await _over(new_house, KEPT)
    async with new_house.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM installation FOR UPDATE")
        assert not await PostgresUpkeep(new_house.pool).prune_keys()
        assert await _keys(new_house, item_id) == (2, 1)
    await PostgresUpkeep(new_house.pool).prune_keys()
    assert await _keys(new_house, item_id) == (0, 0)


async def test_a_snapshot_that_is_held_is_measured_in_transactions(new_house: House) -> None:
    upkeep, pool = PostgresUpkeep(new_house.pool), new_house.pool

    async def held() -> float:
        [metric] = await upkeep.read()
        return metric.samples[0].value

    async with pool.acquire() as dump:
        async with dump.transaction(isolation="repeatable_read"):
            await dump.fetchval("SELECT count(*) FROM auctions")
            for _ in range(50):
                await pool.execute("SELECT pg_current_xact_id()")
            assert await held() >= 50
        await until(lambda: _is_less(held, 50))


async def _is_less(value: Callable[[], Awaitable[float]], than: float) -> bool:
    return await value() < than
