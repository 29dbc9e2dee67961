"""What everyone tries first: the README's two calls, in each spelling that JSON allows."""

import asyncio
import json
from uuid import uuid4

import pytest

from tests.e2e.gavel_process import Client, Standalone, bidder

pytestmark = pytest.mark.e2e


async def _curl(url: str, body: str) -> dict[str, object]:
    """The README's command, run by the real curl."""
    command = ["curl", "-s", "-X", "POST", "-H", "Content-Type: application/json", "-d", body, url]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    return json.loads(said)


async def test_a_bid_by_curl_is_answered_and_counted(shared_gavel: Standalone, client: Client) -> None:
    item_id, user_id = await client.list_item(), str(uuid4())
    body = f'{{"item_id": "{item_id}", "user_id": "{user_id}", "amount": 15000}}'
    answer = await _curl(f"{shared_gavel.url}/bids.v1.BidService/PlaceBid", body)
    assert (answer["currentHighestBid"], answer["minimumNextBid"], answer["leading"]) == ("15000", "15100", True)

    counted = await client.stats_once(user_id, total_bids=1)
    stats = await _curl(f"{shared_gavel.url}/userstats.v1.UserStatsService/GetUserStats", f'{{"user_id": "{user_id}"}}')
    assert stats == {"stats": counted}
    assert (counted["totalAmount"], counted["userId"]) == ("15000", user_id)


@pytest.mark.parametrize(
    "spelling",
    [
        {"item_id": "{item}", "user_id": "{user}", "amount": 15000},
        {"itemId": "{item}", "userId": "{user}", "amount": "15000"},
        {"item_id": "{ITEM}", "userId": "{USER}", "amount": 15000},
        {"itemId": "{item}", "user_id": "{USER}", "amount": 15000.0},
        {"item_id": "{item}", "user_id": "{user}", "amount": 15000, "seq": 99, "status": "CLOSED", "created_at": "x"},
    ],
    ids=["snake case", "camel case and a string", "upper case", "mixed and a whole float", "unknown fields"],
)
async def test_every_spelling_is_the_same_bid(client: Client, spelling: dict[str, object]) -> None:
    item_id, user_id = await client.list_item(), str(uuid4())
    body = {
        name: value.format(item=item_id, user=user_id, ITEM=item_id.upper(), USER=user_id.upper())
        if isinstance(value, str)
        else value
        for name, value in spelling.items()
    }
    answer = await client.ok("PlaceBid", body)
    bid = answer["bid"]
    assert (bid["itemId"], bid["userId"], bid["amount"], bid["seq"]) == (item_id, user_id, "15000", "2")


async def test_bids_are_listed_newest_first_page_by_page(client: Client) -> None:
    item_id = await client.list_item(bidIncrement={"fixed": 1})
    for number in range(7):
        await client.ok("PlaceBid", {"itemId": item_id, "userId": bidder(number), "amount": 100 + number})
    first = await client.ok("GetItemBids", {"itemId": item_id, "pageSize": 5})
    second = await client.ok("GetItemBids", {"itemId": item_id, "pageSize": 5, "pageToken": first["nextPageToken"]})
    assert [int(bid["amount"]) for bid in first["bids"] + second["bids"]] == [106, 105, 104, 103, 102, 101, 100]
    assert second["nextPageToken"] == ""


async def test_items_are_listed_ending_soonest_first_page_by_page(client: Client) -> None:
    category = f"c-{uuid4()}"
    ends = [f"2034-0{month}-01T00:00:00Z" for month in (3, 1, 2)]
    for end_at in ends:
        await client.list_item(category=category, endAt=end_at)
    first = await client.ok("ListItems", {"category": category, "pageSize": 2})
    rest = await client.ok("ListItems", {"category": category, "pageSize": 2, "pageToken": first["nextPageToken"]})
    assert [item["endAt"] for item in first["items"] + rest["items"]] == sorted(ends)
    assert rest["nextPageToken"] == ""
