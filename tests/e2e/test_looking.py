"""What sellers, bidders and onlookers see over HTTP: changed texts, lists page by page, boards, one's own bids."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from gavel.contracts.bids.v1.bid_service_pb import ListMyBidsRequest, ListMyBidsResponse, Standing, UpdateItemRequest
from tests.e2e.gavel_process import POLL_SECONDS, SELLER_ID, Client, Standalone
from tests.fuzz.wire import bytes_field

pytestmark = pytest.mark.e2e


def _someone() -> str:
    return str(uuid4())


def _refused(reply: httpx.Response, status: int, code: str) -> str:
    error = reply.json()
    assert (reply.status_code, error["code"]) == (status, code), reply.text
    return error["message"]


async def _bid(client: Client, item_id: str, user_id: str, amount: int, maximum: int = 0) -> None:
    body = {"itemId": item_id, "userId": user_id, "amount": amount, "maxAmount": maximum}
    await client.ok("PlaceBid", body)


async def _pages(client: Client, method: str, field: str, body: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """All pages of a list."""
    pages: list[list[dict[str, Any]]] = []
    token = ""
    while True:
        page = await client.ok(method, body | {"pageToken": token})
        pages.append(page.get(field, []))
        token = page.get("nextPageToken", "")
        if not token:
            return pages


async def _update(client: Client, item_id: str, **fields: Any) -> dict[str, Any]:
    return (await client.ok("UpdateItem", {"id": item_id, "sellerId": SELLER_ID} | fields))["item"]


async def test_without_a_mask_the_fields_that_are_present_are_set(client: Client) -> None:
    item_id = await client.list_item(title="Old", description="Worn", category="globes", images=["/a.png"])
    before = (await client.ok("GetItem", {"id": item_id}))["item"]
    after = await _update(client, item_id, title="New", description="")
    assert (after["title"], after["category"], after["images"]) == ("New", "globes", ["/a.png"])
    assert after["description"] == ""
    assert (after["seq"], after["createdAt"]) == (before["seq"], before["createdAt"])
    assert after["updatedAt"] > before["updatedAt"]
    assert after == (await client.ok("GetItem", {"id": item_id}))["item"]


async def test_with_a_mask_the_fields_that_it_names_are_set_to_nothing_where_they_are_empty(client: Client) -> None:
    item_id = await client.list_item(title="Old", description="Worn", category="globes", images=["/a.png"])
    after = await _update(client, item_id, title="ignored", updateMask="description,images,category")
    assert after["title"] == "Old"
    assert (after["description"], after["images"], after["category"]) == ("", [], "")
    # The list of a category that it is no longer in does not show it; the one it moves to does.
    category = f"c-{uuid4()}"
    moved = {"id": item_id, "seller_id": SELLER_ID, "update_mask": "category", "category": category}
    await client.ok("UpdateItem", moved)
    assert [item["id"] for item in (await client.ok("ListItems", {"category": category}))["items"]] == [item_id]


@pytest.mark.parametrize("mask", ["id", "sellerId", "endAt", "startPrice", "title,nothing", "*", "title.length"])
async def test_a_mask_with_any_other_path_is_refused_and_sets_nothing(client: Client, mask: str) -> None:
    item_id = await client.list_item(title="Old")
    body = {"id": item_id, "sellerId": SELLER_ID, "title": "New", "updateMask": mask}
    assert "update_mask" in _refused(await client.call("UpdateItem", body), 400, "invalid_argument")
    assert (await client.ok("GetItem", {"id": item_id}))["item"]["title"] == "Old"


@pytest.mark.parametrize("fields", [{}, {"endAt": "2036-01-01T00:00:00Z"}, {"startPrice": "1", "updateMask": ""}])
async def test_an_update_that_names_no_field_it_knows_is_refused(client: Client, fields: dict[str, Any]) -> None:
    item_id = await client.list_item()
    before = (await client.ok("GetItem", {"id": item_id}))["item"]
    body = {"id": item_id, "sellerId": SELLER_ID} | fields
    told = _refused(await client.call("UpdateItem", body), 400, "invalid_argument")
    assert "title, description, images, category" in told
    assert (await client.ok("GetItem", {"id": item_id}))["item"] == before
    after = await _update(client, item_id, title="New", **fields | {"updateMask": ""})
    assert (after["title"], after["endAt"], after["startPrice"]) == ("New", before["endAt"], before["startPrice"])


async def test_a_binary_update_that_names_no_field_it_knows_is_refused(client: Client) -> None:
    request = UpdateItemRequest(id=await client.list_item(), seller_id=SELLER_ID).to_binary()
    # A field of a later version.
    request += bytes_field(12, b"")
    proto = {"Content-Type": "application/proto"}
    reply = await client.http.post(client.url_of("UpdateItem"), content=request, headers=proto)
    assert "title, description, images, category" in _refused(reply, 400, "invalid_argument")


async def test_a_forbidden_update_is_refused(client: Client) -> None:
    item_id = await client.list_item()
    change = {"id": item_id, "sellerId": SELLER_ID, "title": "New"}
    _refused(await client.call("UpdateItem", change | {"sellerId": _someone()}), 403, "permission_denied")
    _refused(await client.call("UpdateItem", change | {"id": _someone()}), 404, "not_found")
    for field, wrong in (
        ("id", "x"),
        ("sellerId", ""),
        ("title", " "),
        ("images", ["ftp://x"]),
        ("category", "c" * 65),
    ):
        _refused(await client.call("UpdateItem", change | {field: wrong}), 400, "invalid_argument")
    emptied = await client.call("UpdateItem", {"id": item_id, "sellerId": SELLER_ID, "updateMask": "title"})
    assert "title" in _refused(emptied, 400, "invalid_argument")


async def test_after_the_first_bid_texts_and_images_stay_and_the_category_changes(client: Client) -> None:
    item_id = await client.list_item(title="Old", category="globes")
    await _bid(client, item_id, _someone(), 100)
    for fields in ({"title": "New"}, {"description": "New"}, {"images": ["/b.png"]}, {"updateMask": "category,images"}):
        refused = await client.call("UpdateItem", {"id": item_id, "sellerId": SELLER_ID} | fields)
        assert "has bid" in _refused(refused, 400, "failed_precondition")
    after = await _update(client, item_id, category="maps")
    assert (after["category"], after["title"], after["images"]) == ("maps", "Old", [])
    assert after["seq"] == "2"


async def test_after_the_end_nothing_changes(client: Client) -> None:
    item_id = await client.list_item(buyNowPrice=500)
    await client.ok("BuyNow", {"itemId": item_id, "userId": _someone()})
    refused = await client.call("UpdateItem", {"id": item_id, "sellerId": SELLER_ID, "category": "x"})
    assert "ended" in _refused(refused, 400, "failed_precondition")


async def test_a_sellers_items_of_every_status_are_listed_newest_first_page_by_page(client: Client) -> None:
    seller_id, other = _someone(), _someone()
    ids = [await client.list_item(sellerId=seller_id, buyNowPrice=500) for _ in range(5)]
    await client.list_item(sellerId=other)
    await client.ok("CancelItem", {"id": ids[1], "sellerId": seller_id})
    await client.ok("BuyNow", {"itemId": ids[2], "userId": _someone()})
    pages = await _pages(client, "ListSellerItems", "items", {"seller_id": seller_id.upper(), "page_size": 2})
    assert [[item["id"] for item in page] for page in pages] == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]
    statuses = [item["status"] for page in pages for item in page]
    assert {"ITEM_STATUS_ACTIVE", "ITEM_STATUS_ENDED", "ITEM_STATUS_CANCELLED"} == set(statuses)
    assert await _pages(client, "ListSellerItems", "items", {"sellerId": _someone()}) == [[]]


async def test_my_bids_are_one_an_item_newest_bid_first_page_by_page(client: Client) -> None:
    me, ids = _someone(), [await client.list_item(bidIncrement={"fixed": 1}) for _ in range(5)]
    for item_id in ids:
        await _bid(client, item_id, me, 100)
    await _bid(client, ids[0], _someone(), 200)
    await _bid(client, ids[0], me, 300, 400)
    pages = await _pages(client, "ListMyBids", "bids", {"userId": me, "pageSize": 2})
    mine = [[bid["item"]["id"] for bid in page] for page in pages]
    assert mine == [[ids[0], ids[4]], [ids[3], ids[2]], [ids[1]]]
    assert (pages[0][0]["amount"], pages[0][0]["maxAmount"]) == ("300", "400")
    assert await _pages(client, "ListMyBids", "bids", {"userId": _someone()}) == [[]]


async def test_my_bids_show_my_position_and_my_maximum_and_no_other_users(client: Client) -> None:
    anna, bela = _someone(), _someone()
    led = await client.list_item(bidIncrement={"fixed": 100})
    bought = await client.list_item(reservePrice=900, buyNowPrice=2000)
    ending = await client.list_item(endAt=(datetime.now(UTC) + timedelta(seconds=8)).isoformat(), softClose={})
    for item_id in (ending, bought, led):
        await _bid(client, item_id, bela, 200, 300)
        await _bid(client, item_id, anna, 400, 800)
    await client.ok("BuyNow", {"itemId": bought, "userId": bela})
    async with asyncio.timeout(30):
        while "outcome" not in (await client.ok("GetItem", {"id": ending}))["item"]:  # noqa: ASYNC110 - the server's
            await asyncio.sleep(POLL_SECONDS)

    async def standings(user_id: str) -> dict[str, tuple[str, int, int]]:
        bids = (await client.ok("ListMyBids", {"userId": user_id}))["bids"]
        return {bid["item"]["id"]: (bid["standing"], int(bid["amount"]), int(bid["maxAmount"])) for bid in bids}

    assert await standings(anna) == {
        led: ("STANDING_LEADING", 400, 800),
        ending: ("STANDING_WON", 400, 800),
        bought: ("STANDING_LOST", 400, 800),
    }
    assert await standings(bela) == {
        led: ("STANDING_OUTBID", 200, 300),
        ending: ("STANDING_LOST", 200, 300),
        bought: ("STANDING_WON", 2000, 2000),
    }


async def test_a_board_shows_one_row_a_bidder_up_to_a_limit(client: Client) -> None:
    item_id = await client.list_item(bidIncrement={"fixed": 1})
    assert await client.ok("GetLeaderboard", {"itemId": item_id}) == {"entries": [], "seq": "1"}
    bidders = [_someone() for _ in range(12)]
    for amount, user_id in enumerate(bidders, start=100):
        await _bid(client, item_id, user_id, amount)
    await _bid(client, item_id, bidders[0], 500)
    board = await client.ok("GetLeaderboard", {"item_id": item_id})
    assert len(board["entries"]) == 10
    assert board["entries"][0] == {"userId": bidders[0], "amount": "500", "bidCount": "2"}
    assert [entry["userId"] for entry in board["entries"][1:]] == bidders[:2:-1]
    assert board["seq"] == "14"
    for limit, shown in ((3, 3), (100, 12), (10**9, 12)):
        assert len((await client.ok("GetLeaderboard", {"itemId": item_id, "limit": limit}))["entries"]) == shown
    _refused(await client.call("GetLeaderboard", {"itemId": item_id, "limit": -1}), 400, "invalid_argument")
    _refused(await client.call("GetLeaderboard", {"itemId": _someone()}), 404, "not_found")
    _refused(await client.call("GetLeaderboard", {"itemId": "x"}), 400, "invalid_argument")


@pytest.mark.parametrize(
    ("method", "owner", "entries"), [("ListSellerItems", "sellerId", "items"), ("ListMyBids", "userId", "bids")]
)
async def test_page_sizes_and_tokens_of_lists_of_ones_own(
    client: Client, method: str, owner: str, entries: str
) -> None:
    seller_id, other = _someone(), _someone()
    ids = [await client.list_item(sellerId=seller_id) for _ in range(3)]
    for item_id in ids:
        await _bid(client, item_id, other, 100)
    mine = seller_id if owner == "sellerId" else other
    page = await client.ok(method, {owner: mine, "pageSize": 1})
    token = page["nextPageToken"]
    assert len(page[entries]) == 1
    assert len((await client.ok(method, {owner: mine, "pageSize": 10**9}))[entries]) == 3
    forged = ("A" if token[0] != "A" else "B") + token[1:]
    for body in (
        {owner: mine, "pageSize": -1},
        {owner: mine, "pageToken": forged},
        {owner: mine, "pageToken": "x" * 5000},
        {owner: _someone(), "pageToken": token},
        {owner: "me"},
        {},
    ):
        _refused(await client.call(method, body), 400, "invalid_argument")
    _refused(await client.call("ListItems", {"pageToken": token}), 400, "invalid_argument")


async def test_binary_protobuf_and_get_are_the_same_list(shared_gavel: Standalone, client: Client) -> None:
    me, item_id = _someone(), await client.list_item()
    await _bid(client, item_id, me, 100, 900)
    url = f"{shared_gavel.url}/bids.v1.BidService/ListMyBids"
    proto = {"Content-Type": "application/proto"}
    reply = await client.http.post(url, content=ListMyBidsRequest(user_id=me).to_binary(), headers=proto)
    [mine] = ListMyBidsResponse.from_binary(reply.content).bids
    assert (mine.amount, mine.max_amount, mine.standing) == (100, 900, Standing.LEADING)
    by_get = await client.http.get(
        url, params={"encoding": "json", "message": f'{{"userId": "{me}"}}', "connect": "v1"}
    )
    assert by_get.json() == await client.ok("ListMyBids", {"userId": me})
