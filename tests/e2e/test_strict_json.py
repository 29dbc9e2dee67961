"""JSON as the contract has it: odd spellings are refused, and zero values are written out."""

import asyncio
import json
import random
from decimal import Decimal

import httpx
import pytest

from gavel.contracts.bids.v1.bid_service_pb import ListItemsRequest, PlaceBidResponse
from tests.e2e.gavel_process import SELLER_ID, Client, bidder
from tests.fuzz.wire import number_field

pytestmark = pytest.mark.e2e

CALLS_AT_ONCE = 20

ODD = ['"1_000"', '"+15000"', '"020000"', '"\u0661\u0665\u0660"', '"\uff11\uff15\uff10"', '" 150"', '"150 "', '"1."']


async def _post(client: Client, method: str, body: str) -> httpx.Response:
    return await client.http.post(client.url_of(method), content=body, headers={"Content-Type": "application/json"})


def _invalid(reply: httpx.Response) -> str:
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_argument"), reply.text
    return reply.json()["message"]


@pytest.mark.parametrize("text", ODD)
async def test_an_integer_spelled_oddly_is_refused(client: Client, text: str) -> None:
    item_id = await client.list_item()
    for name in ("amount", "maxAmount", "max_amount"):
        fields = {"amount": "15000"} | {name: 0}
        bid = json.dumps({"itemId": item_id, "userId": bidder(1)} | fields).replace(f'"{name}": 0', f'"{name}": {text}')
        assert "amount" in _invalid(await _post(client, "PlaceBid", bid))
    assert await client.bids(item_id) == []


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize(
    ("method", "body", "field"),
    [
        ("GetLeaderboard", '{"limit": %s}', "limit"),
        ("GetItemBids", '{"pageSize": %s}', "page_size"),
        ("ListItems", '{"pageSize": %s}', "page_size"),
        ("ListTopBidders", '{"pageSize": %s}', "page_size"),
        ("CreateItem", '{"startPrice": %s}', "start_price"),
        ("CreateItem", '{"reserve_price": %s}', "reserve_price"),
        ("CreateItem", '{"softClose": {"windowSeconds": %s}}', "window_seconds"),
        ("CreateItem", '{"bidIncrement": {"fixed": %s}}', "fixed"),
    ],
)
async def test_so_is_every_other_integer(client: Client, method: str, body: str, field: str, text: str) -> None:
    assert _invalid(await _post(client, method, body % text)).endswith(f".{field}")


async def test_a_field_that_is_named_twice_is_refused_by_its_name(client: Client) -> None:
    item_id = await client.list_item()
    for twice, name in (('"amount": 1, "amount": 15000', "amount"), ('"maxAmount": 1, "max_amount": 2', "max_amount")):
        bid = f'{{"itemId": "{item_id}", "userId": "{bidder(1)}", {twice}}}'
        assert _invalid(await _post(client, "PlaceBid", bid)).endswith(
            f": bids.v1.PlaceBidRequest.{name} is given twice"
        )
    assert await client.bids(item_id) == []


@pytest.mark.parametrize("name", ["startAt", "endAt", "end_at"])
async def test_a_time_that_is_none_is_refused_with_its_field_and_the_form(client: Client, name: str) -> None:
    body = json.dumps({"title": "A lot", "startPrice": 1, "sellerId": SELLER_ID, name: "tomorrow"})
    said = _invalid(await _post(client, "CreateItem", body))
    field = {"startAt": "start_at"}.get(name, "end_at")
    assert f".{field} must be a time as RFC 3339 writes one, such as 20" in said


async def test_so_is_the_position_of_a_watcher(client: Client) -> None:
    body = json.dumps({"items": [{"itemId": await client.list_item(), "afterSeq": "1_0"}]}).encode()
    reply = await client.http.post(
        client.url_of("WatchItems"),
        content=b"\0" + len(body).to_bytes(4, "big") + body,
        headers={"Content-Type": "application/connect+json"},
    )
    assert json.loads(reply.content[5:])["error"]["code"] == "invalid_argument"


async def test_an_accepted_amount_is_the_number_that_json_has_under_its_spelling(client: Client) -> None:
    chance = random.Random(13)
    made = {
        "".join(chance.choices(("1", "5", "0", "9", "+", "-", "_", ".", "e", " ", "\u0661"), k=chance.randint(1, 6)))
        for _ in range(100)
    }
    texts = [*ODD, "15000", "1.5e4", '"1.5e4"', "15000.0", "150.5", "true", "null", "[]", "1e30", "NaN"]
    texts += [json.dumps(text) for text in sorted(made)] + sorted(made)

    # No call waits for a free connection of the client, for which it would have a time limit.
    at_once = asyncio.Semaphore(CALLS_AT_ONCE)

    async def asked(text: str) -> int:
        async with at_once:
            item_id = await client.list_item()
            bid = f'{{"itemId": "{item_id}", "userId": "{bidder(1)}", "amount": {text}}}'
            reply = await _post(client, "PlaceBid", bid)
        if reply.status_code == 200:
            assert int(reply.json()["bid"]["amount"]) == Decimal(text.strip('"')), text
        return reply.status_code

    assert set(await asyncio.gather(*map(asked, texts))) == {200, 400}


@pytest.mark.parametrize("status", ['"ENDED"', '"ended"', '""', "99", "-1"])
async def test_a_status_that_no_item_has(client: Client, status: str) -> None:
    body = f'{{"status": {status}}}'
    by_get = {"connect": "v1", "encoding": "json", "message": body}
    for reply in (
        await _post(client, "ListItems", body),
        await client.http.get(client.url_of("ListItems"), params=by_get),
    ):
        assert "ITEM_STATUS_ACTIVE" in _invalid(reply)


@pytest.mark.parametrize("number", [99, -1])
async def test_a_status_that_no_item_has_in_binary(client: Client, number: int) -> None:
    field = next(field for field in ListItemsRequest.desc().fields if field.name == "status")
    reply = await client.http.post(
        client.url_of("ListItems"),
        content=number_field(field.number, number),
        headers={"Content-Type": "application/proto"},
    )
    assert "status" in _invalid(reply)


async def test_a_status_by_its_name_or_number_is_that_status(client: Client) -> None:
    item_id = await client.list_item(startAt="2034-01-01T00:00:00Z")
    for status in ('"ITEM_STATUS_SCHEDULED"', "4"):
        listed = (await _post(client, "ListItems", f'{{"status": {status}, "pageSize": 100}}')).json()["items"]
        assert {item["status"] for item in listed} == {"ITEM_STATUS_SCHEDULED"}
        assert item_id in {item["id"] for item in listed}


async def test_unknown_fields_stay_ignored(client: Client) -> None:
    body = {"pageSize": 1, "order": "ITEM_ORDER_NEWEST", "nested": {"status": "NONE", "seq": "+1"}}
    assert len((await client.ok("ListItems", body))["items"]) == 1


async def test_zero_values_are_written_out(client: Client) -> None:
    item_id = await client.list_item()
    item = (await client.ok("GetItem", {"id": item_id}))["item"]
    assert (item["bidCount"], item["currentHighestBid"], item["highestBidderId"]) == ("0", "0", "")
    assert (item["images"], item["buyNowAvailable"], item["bidIncrement"]) == (
        [],
        False,
        {"fixed": "0", "basisPoints": 0},
    )
    assert "outcome" not in item

    leader = {"itemId": item_id, "userId": bidder(1), "amount": 100, "maxAmount": 1_000}
    assert (await client.ok("PlaceBid", leader))["bid"]["automatic"] is False
    answered = await client.ok("PlaceBid", leader | {"userId": bidder(2), "amount": 200, "maxAmount": 0})
    assert answered["leading"] is False
    # Nothing is in it that the message does not have: no maximum, no reserve.
    assert answered.keys() == {field.json_name for field in PlaceBidResponse.desc().fields}
    assert (await client.ok("ListSellerItems", {"sellerId": bidder(9)}))["items"] == []
