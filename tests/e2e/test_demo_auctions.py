"""`gavel standalone --sample-auctions --crowd`: what a newcomer finds, also after a restart on old data."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gavel.demo.crowd import CROWD
from gavel.demo.samples import SAMPLES
from tests.auction_house import until
from tests.e2e.gavel_process import Standalone

pytestmark = pytest.mark.e2e

ITEMS = "/bids.v1.BidService/ListItems"
BIDS = "/bids.v1.BidService/GetItemBids"
STATS = "/userstats.v1.UserStatsService/GetUserStats"


async def test_a_newcomer_finds_twelve_auctions_with_pictures_a_past_and_prices_that_move(data_folder: Path) -> None:
    gavel = Standalone(data_folder)
    async with httpx.AsyncClient(base_url=gavel.url, timeout=30) as http:

        async def ask(path: str, **request: object) -> Mapping[str, Any]:
            return (await http.post(path, json=request)).raise_for_status().json()

        async def on_sale() -> list[Mapping[str, Any]]:
            return (await ask(ITEMS, status="ITEM_STATUS_ACTIVE", pageSize=50))["items"]

        await gavel.start("--sample-auctions", "--crowd")
        try:
            items = await on_sale()
            assert {item["title"] for item in items} == {sample.title for sample in SAMPLES}
            assert all(item["images"][0].startswith("/samples/") for item in items)
            soon = datetime.now(UTC) + timedelta(minutes=12)
            assert sum(datetime.fromisoformat(item["endAt"]) < soon for item in items) >= 3
            longest = max(items, key=lambda item: item["endAt"])
            bids = (await ask(BIDS, itemId=longest["id"], pageSize=100))["bids"]
            assert datetime.fromisoformat(bids[-1]["createdAt"]) < datetime.now(UTC) - timedelta(minutes=30)
            seen = {item["id"]: item["currentHighestBid"] for item in items if "currentHighestBid" in item}

            async def a_price_moved() -> bool:
                return any(item["currentHighestBid"] != seen.get(item["id"], "0") for item in await on_sale())

            await until(a_price_moved)

            async def bids_of_the_past_are_counted() -> bool:
                # Who has not been counted yet is not found.
                reply = await http.post(STATS, json={"userId": CROWD[0]})
                return reply.status_code == 200 and int(reply.json()["stats"]["totalBids"]) > 0

            await until(bids_of_the_past_are_counted)
        finally:
            assert await gavel.stop() == 0
        ended = {item["id"] for item in items}
        await gavel.start("--sample-auctions")
        try:
            items = await on_sale()
            assert {item["title"] for item in items} == {sample.title for sample in SAMPLES}
            assert {item["id"] for item in items} & ended
        finally:
            assert await gavel.stop() == 0
