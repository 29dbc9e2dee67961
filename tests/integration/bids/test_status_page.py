"""The status of the whole installation matches what is stored."""

from datetime import timedelta

import pytest

from gavel.bids.adapters.connect.status_page import STATUS_OUTBOX_ROWS_MAX, StatusPage
from tests.auction_house import House, until

pytestmark = pytest.mark.integration


async def test_the_status_counts_open_auctions_and_events_in_the_outbox(new_house: House) -> None:
    for _ in range(3):
        await new_house.list_item()
    await new_house.list_item(starts_in=timedelta(minutes=10))
    status = await StatusPage(new_house.pool, lambda: 7).metrics()
    assert (status["items_active"], status["outbox_events"], status["watchers"]) == (3, 4, 7)
    assert await new_house.owed_events() == 4
    oldest_seconds = status["outbox_oldest_seconds"]
    assert isinstance(oldest_seconds, float)
    assert oldest_seconds > 0


async def test_the_status_counts_bids_of_every_process(new_house: House) -> None:
    item_id = await new_house.list_item()
    status = StatusPage(new_house.pool, lambda: 0)
    assert (await status.metrics())["bids_per_second"] == 0
    amount = 0

    async def bids_show() -> bool:
        nonlocal amount
        amount += 1
        await new_house.bid(item_id, amount)
        return bool((await status.metrics())["bids_per_second"])

    await until(bids_show)
    assert len(await new_house.bids(item_id)) == amount


async def test_a_large_backlog_is_counted_up_to_its_bound(new_house: House) -> None:
    await new_house.pool.execute(
        "INSERT INTO outbox (routing_key, event_count, body) SELECT 'bid.placed', 1, '' FROM generate_series(1, $1)",
        STATUS_OUTBOX_ROWS_MAX + 5,
    )
    assert (await StatusPage(new_house.pool, lambda: 0).metrics())["outbox_events"] == STATUS_OUTBOX_ROWS_MAX
