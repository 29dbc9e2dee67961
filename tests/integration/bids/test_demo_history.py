"""The demo on a real database: an hour of history as if it had happened, samples listed again, bids of the crowd."""

from contextlib import aclosing
from datetime import datetime, timedelta
from random import Random

import pytest

from gavel.bids.adapters.connect.status_page import StatusPage
from gavel.bids.adapters.postgres.audit.audit_log import FIRST_ID, LAST_ID, check_log
from gavel.bids.adapters.postgres.reading.item_catalogue import PostgresItemCatalogue
from gavel.bids.domain.auction import Auction, Status
from gavel.demo.crowd import CROWD
from gavel.demo.history import HISTORY
from gavel.demo.running import bidding, list_missing, write_history
from gavel.demo.samples import SAMPLES
from gavel.runtime.postgres import connections as postgres
from tests.auction_house import House, until

pytestmark = pytest.mark.integration

TIMES_OF_BIDS = "SELECT created_at FROM bids ORDER BY created_at"
EVENTS = "SELECT (SELECT count(*) FROM bids) + (SELECT count(*) FROM item_events)"


async def on_sale(house: House) -> list[Auction]:
    """The open auctions, the one that ends next first."""
    views, _ = await PostgresItemCatalogue(house.pool).items(Status.ACTIVE, "", None, 100)
    return [view.auction for view in views]


async def findings(house: House) -> list[str]:
    """What an audit finds in the whole log."""
    connection = await postgres.connect(house.url, "tests")
    try:
        async with aclosing(check_log(connection, FIRST_ID, LAST_ID, {})) as checks:
            return [finding.what async for check in checks for finding in check.findings]
    finally:
        await connection.close()


async def test_an_unused_database_gets_an_hour_that_an_audit_verifies(new_house: House) -> None:
    assert await write_history(new_house.url, "USD", Random(1))
    times: list[datetime] = [row["created_at"] for row in await new_house.pool.fetch(TIMES_OF_BIDS)]
    first, last, now = times[0], times[-1], await new_house.pool.fetchval("SELECT clock_timestamp()")
    assert now - HISTORY - timedelta(minutes=1) < first < now - HISTORY / 2 < last < now
    assert await findings(new_house) == []
    events = await new_house.pool.fetchval(EVENTS)
    assert await new_house.owed_events() == events > 200
    # One may have ended since the last moment of the history.
    open_now = len(await on_sale(new_house))
    assert len(SAMPLES) - 1 <= open_now <= len(SAMPLES)
    assert (await StatusPage(new_house.pool, lambda: 0).status())["items_active"] == open_now


async def test_the_history_goes_on_with_the_next_bid(new_house: House) -> None:
    await write_history(new_house.url, "USD", Random(2))
    for auction in await on_sale(new_house):
        await new_house.bid(auction.item_id, auction.minimum_next_bid, max_amount=2 * auction.minimum_next_bid)
    assert await findings(new_house) == []


async def test_a_database_with_an_item_gets_no_history(new_house: House) -> None:
    await new_house.list_item()
    assert not await write_history(new_house.url, "USD", Random(1))
    assert await new_house.pool.fetchval(EVENTS) == 1


async def test_a_sample_that_has_ended_is_listed_again_once(new_house: House) -> None:
    catalogue = PostgresItemCatalogue(new_house.pool)
    for _ in range(2):
        await list_missing(new_house.book, catalogue, "USD")
        assert len(await on_sale(new_house)) == len(SAMPLES)
    [ended, *others] = await on_sale(new_house)
    await new_house.end_now(ended.item_id)
    for _ in range(2):
        await list_missing(new_house.book, catalogue, "USD")
        on_sale_now = await on_sale(new_house)
        assert len(on_sale_now) == len(SAMPLES)
        assert {auction.item_id for auction in others} < {auction.item_id for auction in on_sale_now}


async def test_the_crowd_bids_on_what_anyone_lists(new_house: House) -> None:
    item_id = await new_house.list_item(start_price=25_00)

    async def a_bid_was_placed() -> bool:
        return (await new_house.state(item_id))["bid_count"] > 0

    async with bidding(new_house.book, PostgresItemCatalogue(new_house.pool), Random(1)).running():
        await until(a_bid_was_placed)
    assert str((await new_house.state(item_id))["leader_id"]) in CROWD
