"""The auctions of a run: open ones that the bidders would bid up, and new ones where there are none."""

import json
from typing import Any

from gavel_tools.bidders.auctions import CREATED_ITEMS, Auctions, open_auctions
from gavel_tools.bidders.calls import Caller
from gavel_tools.bidders.http_connection import address_of
from gavel_tools.bidders.options import BiddersOptions
from gavel_tools.bidders.tally import CallTally
from tests.unit.bidders.scripted_server import ScriptedServer, ok, scripted_server


def shown(item_id: str, least: int, **fields: Any) -> bytes:
    """An item that starts at 100.00, as GetItem shows it, or CreateItem answers."""
    item = {"id": item_id, "status": "ITEM_STATUS_ACTIVE", "startPrice": "10000", "minimumNextBid": str(least)}
    return ok(json.dumps({"item": item | fields}).encode())


def listed(*item_ids: str) -> bytes:
    return ok(json.dumps({"items": [{"id": item_id} for item_id in item_ids]}).encode())


def new_ones() -> list[bytes]:
    ids = [f"new-{number}" for number in range(CREATED_ITEMS)]
    return [shown(item_id, 10_000) for item_id in ids] * 2


async def opened(server: ScriptedServer, **options: Any) -> Auctions:
    caller = Caller(address_of(server.url), CallTally())
    try:
        return await open_auctions(caller, BiddersOptions(url=server.url, **options), "seller")
    finally:
        caller.close()


async def test_open_auctions_that_are_cheap_enough_are_taken_and_none_is_made() -> None:
    script = (listed("cheap", "dear"), shown("cheap", 10_000), shown("dear", 29_000, currentHighestBid="28900"))
    async with scripted_server(*script) as server:
        auctions = await opened(server)
    assert ([item.item_id for item in auctions.items], auctions.created) == (["cheap"], [])


async def test_where_all_are_too_dear_new_ones_are_made() -> None:
    async with scripted_server(listed("dear"), shown("dear", 29_000), *new_ones()) as server:
        auctions = await opened(server)
    assert [item.item_id for item in auctions.items] == auctions.created
    assert len(auctions.created) == CREATED_ITEMS


async def test_where_none_is_open_new_ones_are_made() -> None:
    async with scripted_server(listed(), *new_ones()) as server:
        assert len((await opened(server)).created) == CREATED_ITEMS


async def test_without_a_budget_or_with_a_larger_one_nothing_is_too_dear() -> None:
    for options in ({"budget": 0.0}, {"count": 10}, {"budget": 10.0}):
        async with scripted_server(listed("dear"), shown("dear", 29_000)) as server:
            auctions = await opened(server, **options)
        assert ([item.item_id for item in auctions.items], auctions.created) == (["dear"], []), options


async def test_a_buy_now_price_is_what_an_item_is_worth() -> None:
    async with scripted_server(listed("dear"), shown("dear", 29_000, buyNowPrice="90000")) as server:
        [item] = (await opened(server)).items
    assert 60_000 < item.worth <= 90_000
