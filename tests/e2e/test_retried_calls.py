"""A call whose answer was lost and that is sent again: it takes effect once, and is answered as the first one was."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from protobuf.wkt.google.protobuf.timestamp_pb import Timestamp

from gavel.contracts.bids.v1.bid_service_pb import CreateItemRequest, CreateItemResponse
from tests.e2e.gavel_process import Client, bidder, running_standalone

pytestmark = pytest.mark.e2e

FIRST_CALLS = 20


def _item(**fields: Any) -> dict[str, Any]:
    return {"title": "A vase", "sellerId": str(uuid4()), "startPrice": 100, "endAt": "2035-01-01T00:00:00Z"} | fields


def _refused(reply: httpx.Response, status: int, code: str) -> str:
    error = reply.json()
    assert (reply.status_code, error["code"]) == (status, code), reply.text
    return error["message"]


async def _listed(client: Client, seller_id: str) -> list[str]:
    page = await client.ok("ListSellerItems", {"sellerId": seller_id, "pageSize": 100})
    return [item["id"] for item in page["items"]]


@pytest.mark.parametrize("by", ["field", "header"])
async def test_create_item_twice_with_one_key_is_one_item(client: Client, by: str) -> None:
    item, headers = _item(), dict[str, str]()
    if by == "field":
        item["idempotencyKey"] = "k"
    else:
        headers["Idempotency-Key"] = "k"
    first = (await client.ok("CreateItem", item, **headers))["item"]
    # However the key is sent and whichever spelling its contents have, it is the same request.
    del first["updatedAt"]
    without_key = {name: value for name, value in item.items() if name != "idempotencyKey"}
    for repeated, sent in (
        (item, headers),
        (without_key | {"idempotency_key": "k", "startPrice": "100"}, {}),
        (item | {"idempotencyKey": ""}, {"Idempotency-Key": "k"}),
        (item | {"idempotencyKey": "k"}, {"Idempotency-Key": "k"}),
    ):
        again = (await client.ok("CreateItem", repeated, **sent))["item"]
        assert again.items() >= first.items()
    assert await _listed(client, item["sellerId"]) == [first["id"]]


async def test_a_retry_is_answered_with_the_item_as_it_stands_now(client: Client) -> None:
    item = _item(idempotencyKey="k")
    item_id = (await client.ok("CreateItem", item))["item"]["id"]
    await client.ok("UpdateItem", {"id": item_id, "sellerId": item["sellerId"], "category": "china"})
    await client.ok("PlaceBid", {"itemId": item_id, "userId": str(uuid4()), "amount": 150})
    again = (await client.ok("CreateItem", item))["item"]
    assert again == (await client.ok("GetItem", {"id": item_id}))["item"]
    assert (again["category"], again["currentHighestBid"], again["seq"]) == ("china", "150", "2")


async def test_the_same_key_with_other_contents_is_refused(client: Client) -> None:
    item = _item(idempotencyKey="k", reservePrice=744_596)
    item_id = (await client.ok("CreateItem", item))["item"]["id"]
    others: list[dict[str, Any]] = [
        {"title": "Another"},
        {"reservePrice": 744_597},
        {"softClose": {}},
        {"images": ["/a.png"]},
    ]
    for other in others:
        told = _refused(await client.call("CreateItem", item | other), 409, "already_exists")
        assert "key" in told
        assert "744" not in told
    assert await _listed(client, item["sellerId"]) == [item_id]


async def test_a_key_of_create_item_is_of_the_form_that_place_bid_takes(client: Client) -> None:
    item = _item()
    differing = await client.call("CreateItem", item | {"idempotencyKey": "a"}, **{"Idempotency-Key": "b"})
    assert "idempotency_key" in _refused(differing, 400, "invalid_argument")
    for key in ("x" * 129, "with\ttab", "\u200b"):
        refused = await client.call("CreateItem", item | {"idempotencyKey": key})
        assert "idempotency_key" in _refused(refused, 400, "invalid_argument")
    assert await _listed(client, item["sellerId"]) == []


async def test_another_seller_may_use_the_key_and_no_key_is_no_retry(client: Client) -> None:
    item = _item(idempotencyKey="k")
    other = item | {"sellerId": str(uuid4())}
    await client.ok("CreateItem", item)
    await client.ok("CreateItem", other)
    for _ in range(2):
        await client.ok("CreateItem", other | {"idempotencyKey": ""})
    assert (len(await _listed(client, item["sellerId"])), len(await _listed(client, other["sellerId"]))) == (1, 3)


async def test_in_binary_it_is_the_same(client: Client) -> None:
    item = _item(idempotencyKey="k")
    first = (await client.ok("CreateItem", item))["item"]["id"]
    request = CreateItemRequest(
        title=item["title"],
        seller_id=item["sellerId"],
        start_price=100,
        end_at=Timestamp.from_datetime(datetime.fromisoformat(item["endAt"])),
        idempotency_key="k",
    ).to_binary()
    proto = {"Content-Type": "application/proto"}
    reply = await client.http.post(client.url_of("CreateItem"), content=request, headers=proto)
    assert reply.status_code == 200, reply.text
    answer = CreateItemResponse.from_binary(reply.content)
    assert answer.item is not None
    assert answer.item.id == first


async def test_calls_whose_answers_a_kill_has_lost_have_made_one_item_each(data_folder: Path) -> None:
    items = [_item(idempotencyKey=str(uuid4())) for _ in range(FIRST_CALLS)]
    async with running_standalone(data_folder) as gavel, httpx.AsyncClient(timeout=30) as http:
        client = Client(http, gavel.url)
        answered = (await client.ok("CreateItem", items[0]))["item"]["id"]
        calls = [asyncio.create_task(client.call("CreateItem", item)) for item in items]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        await gavel.kill()
        await asyncio.wait(calls)
        for call in calls:
            call.exception()
        await gavel.start()
        again = [(await client.ok("CreateItem", item))["item"]["id"] for item in items]
        assert again[0] == answered
        assert [await _listed(client, item["sellerId"]) for item in items] == [[item_id] for item_id in again]


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
async def test_a_repeated_key_header_is_refused_by_both_paths(client: Client, content_type: str) -> None:
    item_id = await client.list_item()
    bid = {"itemId": item_id, "userId": bidder(1), "amount": 100}
    headers = [("Content-Type", content_type), ("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    reply = await client.http.post(client.url_of("PlaceBid"), content=json.dumps(bid), headers=headers)
    _refused(reply, 400, "invalid_argument")
    assert await client.bids(item_id) == []
