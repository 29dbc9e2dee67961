"""The status of the whole installation matches what is stored."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from prometheus_client.core import Metric

from gavel import __version__
from gavel.bids.adapters.connect.status_page import STATUS_OUTBOX_ROWS_MAX, StatusPage
from gavel.runtime.telemetry.histogram import Histogram
from gavel.runtime.telemetry.metrics import counter, gauge, histogram
from tests.auction_house import House, until

pytestmark = pytest.mark.integration


async def test_the_status_counts_open_auctions_and_events_in_the_outbox(new_house: House) -> None:
    for _ in range(3):
        await new_house.list_item()
    await new_house.list_item(starts_in=timedelta(minutes=10))
    status = await StatusPage(new_house.pool, lambda: 7).status()
    assert (status["items_active"], status["outbox_events"], status["watchers"]) == (3, 4, 7)
    assert await new_house.owed_events() == 4
    oldest_seconds = status["outbox_oldest_seconds"]
    assert isinstance(oldest_seconds, float)
    assert oldest_seconds > 0


async def test_the_status_counts_bids_of_every_process(new_house: House) -> None:
    item_id = await new_house.list_item()
    status = StatusPage(new_house.pool, lambda: 0)
    assert (await status.status())["bids_per_second"] == 0
    amount = 0

    async def bids_show() -> bool:
        nonlocal amount
        amount += 1
        await new_house.bid(item_id, amount)
        return bool((await status.status())["bids_per_second"])

    await until(bids_show)
    assert len(await new_house.bids(item_id)) == amount


async def test_a_large_backlog_is_counted_up_to_its_bound(new_house: House) -> None:
    await new_house.pool.execute(
        "INSERT INTO outbox (routing_key, event_count, body) SELECT 'bid.placed', 1, '' FROM generate_series(1, $1)",
        STATUS_OUTBOX_ROWS_MAX + 5,
    )
    assert (await StatusPage(new_house.pool, lambda: 0).status())["outbox_events"] == STATUS_OUTBOX_ROWS_MAX


async def test_the_status_names_the_version_and_what_no_process_knows_yet(new_house: House) -> None:
    status = await StatusPage(new_house.pool, lambda: 0).status()
    assert status["version"] == __version__
    unknown = {name for name, value in status.items() if value is None}
    assert unknown == {"dead_letters", "bid_p99_seconds", "failed_calls_share"}


async def test_the_status_says_how_late_the_closer_is(new_house: House) -> None:
    item_id = await new_house.list_item()
    status = await StatusPage(new_house.pool, lambda: 0).status()
    assert status["closer_overdue_seconds"] == 0
    await new_house.end_now(item_id)
    status = await StatusPage(new_house.pool, lambda: 0).status()
    assert isinstance(status["closer_overdue_seconds"], float)
    assert 0 < status["closer_overdue_seconds"] < 60


async def test_the_status_has_latency_and_failures_of_calls_since_it_was_read_before(new_house: House) -> None:
    seconds, codes = Histogram(), {("PlaceBid", "ok"): 900.0, ("PlaceBid", "internal"): 100.0}
    seconds.observe(9.0)

    async def calls() -> Sequence[Metric]:
        return [
            counter("gavel_rpc_calls_total", "Calls.", ("method", "code"), codes),
            histogram("gavel_rpc_duration_seconds", "Durations.", ("method",), {("PlaceBid",): seconds}),
        ]

    page = StatusPage(new_house.pool, lambda: 0, [calls])
    first = await page.status()
    assert (first["bid_p99_seconds"], first["failed_calls_share"]) == (None, None)
    for _ in range(100):
        seconds.observe(0.02)
    codes["PlaceBid", "ok"] += 98
    codes["PlaceBid", "unavailable"] = 1.0
    codes["GetItem", "not_found"] = 1.0

    async def it_is_read_again() -> bool:
        return (await page.status())["at"] != first["at"]

    await until(it_is_read_again)
    status = await page.status()
    assert status["failed_calls_share"] == 0.01
    assert isinstance(status["bid_p99_seconds"], float)
    assert 0.01 < status["bid_p99_seconds"] <= 0.025


async def test_a_source_that_fails_or_hangs_leaves_out_what_only_it_knows(new_house: House) -> None:
    async def fails() -> Sequence[Metric]:
        raise OSError

    async def hangs() -> Sequence[Metric]:
        await asyncio.Event().wait()
        return ()

    async def letters() -> Sequence[Metric]:
        return [gauge("gavel_dead_letters_kept", "Dead letters.", (), {(): 3})]

    assert (await StatusPage(new_house.pool, lambda: 0, [fails, hangs]).status())["dead_letters"] is None
    assert (await StatusPage(new_house.pool, lambda: 0, [fails, hangs, letters]).status())["dead_letters"] == 3
