"""Whole auctions over HTTP: proxies, reserve, soft close, buy-now, cancel, and the close that names its winner."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.gavel_process import POLL_SECONDS, SELLER_ID, Client

pytestmark = pytest.mark.e2e

OUTCOME_SECONDS_MAX = 1.0
FIXED: dict[str, Any] = {"bidIncrement": {"fixed": 100}, "startPrice": 1000}


def _in(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _refused(reply: httpx.Response, status: int, code: str) -> str:
    """What a refused call says: the reason of a refused bid, else its text."""
    error = reply.json()
    assert (reply.status_code, error["code"]) == (status, code), reply.text
    details = error.get("details", [])
    return details[0]["debug"]["reason"] if details else error["message"]


async def _bid(client: Client, item_id: str, user_id: str, amount: int, maximum: int = 0) -> dict[str, Any]:
    body = {"itemId": item_id, "userId": user_id, "amount": amount, "maxAmount": maximum}
    return await client.ok("PlaceBid", body)


async def _item(client: Client, item_id: str) -> dict[str, Any]:
    return (await client.ok("GetItem", {"id": item_id}))["item"]


async def _closed(client: Client, item_id: str) -> dict[str, Any]:
    """The item once it has its outcome, which was decided within a second of its end.

    Beyond that only as long as the process was silent to a call that only reads: closer and calls share its loop.
    """
    async with asyncio.timeout(60):
        heard_seconds, silence_seconds = time.monotonic(), 0.0
        while True:
            reply = await client.ok("GetItem", {"id": item_id})
            silence_seconds = max(silence_seconds, time.monotonic() - heard_seconds)
            heard_seconds = time.monotonic()
            item = reply["item"]
            ended = _time(reply["serverTime"]) >= _time(item["endAt"])
            assert item["status"] == ("ITEM_STATUS_ENDED" if ended else "ITEM_STATUS_ACTIVE")
            if "outcome" in item:
                late = _time(item["outcome"]["closedAt"]) - _time(item["endAt"])
                assert timedelta(0) <= late < timedelta(seconds=OUTCOME_SECONDS_MAX + silence_seconds)
                return item
            await asyncio.sleep(POLL_SECONDS)


def _someone() -> str:
    return str(uuid4())


async def test_two_proxies_fight_and_the_worked_example_comes_out(client: Client) -> None:
    item_id, anna, bela, carla, david = await client.list_item(**FIXED), *(_someone() for _ in range(4))
    opened = await _bid(client, item_id, anna, 1000, 5000)
    assert (opened["leading"], opened["currentHighestBid"], opened["minimumNextBid"]) == (True, "1000", "1100")
    answered = await _bid(client, item_id, bela, 2000)
    assert (answered["leading"], answered["currentHighestBid"], answered["bid"]["amount"]) == (False, "2100", "2000")
    won = await _bid(client, item_id, bela, 2200, 6000)
    assert (won["leading"], won["currentHighestBid"], won["bid"]["amount"]) == (True, "5100", "2200")
    tied = await _bid(client, item_id, carla, 5200, 6000)
    assert (tied["leading"], tied["currentHighestBid"]) == (False, "6000")
    late = await client.call("PlaceBid", {"itemId": item_id, "userId": david, "amount": 6000})
    assert _refused(late, 400, "failed_precondition") == "REASON_TOO_LOW"

    rows = [(bid["userId"], int(bid["amount"]), bid.get("automatic", False)) for bid in await client.bids(item_id)]
    assert rows == [
        (anna, 1000, False),
        (bela, 2000, False), (anna, 2100, True),
        (bela, 2200, False), (anna, 5000, True), (bela, 5100, True),
        (carla, 5200, False), (carla, 6000, True), (bela, 6000, True),
    ]  # fmt: skip
    board = await client.ok("GetLeaderboard", {"itemId": item_id})
    entries = [(entry["userId"], entry["amount"], entry["bidCount"]) for entry in board["entries"]]
    assert entries == [(bela, "6000", "4"), (carla, "6000", "2"), (anna, "5000", "3")]
    assert board["seq"] == (await _item(client, item_id))["seq"] == "10"


async def test_a_leader_raises_the_maximum_without_an_event_and_with_a_key(client: Client) -> None:
    item_id, anna, bela = await client.list_item(**FIXED), _someone(), _someone()
    await _bid(client, item_id, anna, 1000, 2000)
    raised = {"itemId": item_id, "userId": anna, "amount": 1, "maxAmount": 9000, "idempotencyKey": "raise"}
    first, again = await client.ok("PlaceBid", raised), await client.ok("PlaceBid", raised)
    assert (first["leading"], first["bid"]["amount"], first["bid"]["seq"]) == (True, "1000", "2")
    assert again["bid"] == first["bid"]
    item = await _item(client, item_id)
    assert (item["seq"], item["currentHighestBid"]) == ("2", "1000")
    reused = await client.call("PlaceBid", raised | {"maxAmount": 9500})
    assert "key" in _refused(reused, 409, "already_exists")
    assert (await _bid(client, item_id, bela, 8000))["leading"] is False
    lower = {"itemId": item_id, "userId": anna, "amount": 9000}
    assert _refused(await client.call("PlaceBid", lower), 400, "failed_precondition") == "REASON_ALREADY_LEADING"


async def test_only_the_state_of_a_reserve_shows_and_a_maximum_that_reaches_it_lifts_the_price(client: Client) -> None:
    item_id, anna = await client.list_item(**FIXED, reservePrice=7000), _someone()
    assert (await _item(client, item_id))["reserveState"] == "RESERVE_STATE_NOT_MET"
    await _bid(client, item_id, anna, 1000, 3000)
    assert (await _item(client, item_id))["reserveState"] == "RESERVE_STATE_NOT_MET"
    lifted = await _bid(client, item_id, anna, 1000, 8000)
    assert (lifted["currentHighestBid"], lifted["bid"]["automatic"]) == ("7000", True)
    assert (await _item(client, item_id))["reserveState"] == "RESERVE_STATE_MET"
    assert (await _item(client, await client.list_item()))["reserveState"] == "RESERVE_STATE_NONE"


async def test_an_auction_ends_on_time_and_names_its_winner(client: Client) -> None:
    item_id, winner, loser = await client.list_item(endAt=_in(8), softClose={}), _someone(), _someone()
    await _bid(client, item_id, loser, 100)
    await _bid(client, item_id, winner, 500)
    item = await _closed(client, item_id)
    outcome = item["outcome"]
    assert (outcome["sold"], outcome["winnerId"], outcome["amount"]) == (True, winner, "500")
    assert _time(outcome["closedAt"]) >= _time(item["endAt"])
    assert item["seq"] == "4"
    late = await client.call("PlaceBid", {"itemId": item_id, "userId": loser, "amount": 9000})
    assert _refused(late, 400, "failed_precondition") == "REASON_ENDED"
    stats = await client.stats_once(winner, total_bids=1, itemsWon=1)
    assert stats["amountWon"] == "500"


async def test_an_auction_below_its_reserve_or_without_a_bid_ends_unsold(client: Client) -> None:
    end_at = _in(8)
    below, unbid = (
        await client.list_item(endAt=end_at, reservePrice=900, softClose={}),
        await client.list_item(endAt=end_at),
    )
    bidder = _someone()
    await _bid(client, below, bidder, 500)
    for item_id in (below, unbid):
        outcome = (await _closed(client, item_id))["outcome"]
        assert (outcome["sold"], outcome["winnerId"], outcome["amount"]) == (False, "", "0")
    [mine] = (await client.ok("ListMyBids", {"userId": bidder}))["bids"]
    assert mine["standing"] == "STANDING_LOST"


async def test_a_bid_in_the_last_moments_moves_the_end_within_a_bound_and_a_refused_one_does_not(
    client: Client,
) -> None:
    end_at = _in(20)
    rule = {"windowSeconds": 30, "extensionSeconds": 40, "maxExtensionSeconds": 25}
    item_id, anna, bela = await client.list_item(endAt=end_at, softClose=rule), _someone(), _someone()
    refused = await client.call("PlaceBid", {"itemId": item_id, "userId": anna, "amount": 1})
    assert _refused(refused, 400, "failed_precondition") == "REASON_TOO_LOW"
    before = await _item(client, item_id)
    assert (before["seq"], _time(before["endAt"])) == ("1", _time(end_at))

    moved = await _bid(client, item_id, anna, 100)
    item = await _item(client, item_id)
    latest = _time(end_at) + timedelta(seconds=25)
    assert _time(end_at) < _time(moved["endAt"]) <= latest
    assert moved["endAt"] == item["endAt"]
    assert (item["seq"], moved["bid"]["seq"]) == ("3", "2")
    bound = await _bid(client, item_id, bela, 200)
    assert _time(bound["endAt"]) <= latest


async def test_buy_now_ends_the_auction_at_once_with_the_buyer_as_the_winner(client: Client) -> None:
    item_id, buyer = await client.list_item(buyNowPrice=5000), _someone()
    assert (await _item(client, item_id))["buyNowAvailable"]
    bought = (await client.ok("BuyNow", {"item_id": item_id, "user_id": buyer}))["item"]
    assert (bought["status"], bought["currentHighestBid"], bought["seq"]) == ("ITEM_STATUS_ENDED", "5000", "3")
    assert (bought["outcome"]["winnerId"], bought["outcome"]["amount"]) == (buyer, "5000")
    assert bought["buyNowAvailable"] is False
    assert [bid["userId"] for bid in await client.bids(item_id)] == [buyer]
    late = await client.call("PlaceBid", {"itemId": item_id, "userId": _someone(), "amount": 9000})
    assert _refused(late, 400, "failed_precondition") == "REASON_ENDED"
    stats = await client.stats_once(buyer, total_bids=1, itemsWon=1)
    assert stats["amountWon"] == "5000"


async def test_the_statistics_have_winners_sellers_amounts_and_top_bidders(client: Client) -> None:
    seller, loser, buyer = (_someone() for _ in range(3))
    item_id = await client.list_item(**FIXED, sellerId=seller, reservePrice=10**14, buyNowPrice=10**14)
    await _bid(client, item_id, loser, 1000)
    await client.ok("BuyNow", {"itemId": item_id, "userId": buyer})
    won = await client.stats_once(buyer, total_bids=1, itemsWon=1)
    assert {name: won[name] for name in ("totalAmount", "highestBid", "itemsBidOn", "amountWon")} == {
        "totalAmount": f"{10**14}", "highestBid": f"{10**14}", "itemsBidOn": "1", "amountWon": f"{10**14}",
    }  # fmt: skip
    sold = await client.stats_once(seller, total_bids=0, itemsSold=1)
    assert sold["amountSold"] == f"{10**14}"
    lost = await client.stats_once(loser, total_bids=1)
    assert (lost["itemsBidOn"], lost["itemsWon"]) == ("1", "0")
    top = await client.ok("ListTopBidders", {"pageSize": 1})
    assert top["users"] == [won]
    after = await client.ok("ListTopBidders", {"pageSize": 100, "pageToken": top["nextPageToken"]})
    assert buyer not in [user["userId"] for user in after["users"]]


async def test_a_retried_buy_now_returns_the_item_and_changes_nothing(client: Client) -> None:
    item_id, buyer = await client.list_item(buyNowPrice=5000), _someone()
    body = {"itemId": item_id, "userId": buyer, "idempotencyKey": "mine"}
    first = await client.ok("BuyNow", body)
    del body["idempotencyKey"]
    again = await client.ok("BuyNow", body, **{"Idempotency-Key": "mine"})
    assert again == first
    assert _refused(await client.call("BuyNow", body), 400, "failed_precondition") == "REASON_ENDED"
    as_bid = {"itemId": item_id, "userId": buyer, "amount": 5000, "idempotencyKey": "mine"}
    assert "key" in _refused(await client.call("PlaceBid", as_bid), 409, "already_exists")
    differing = await client.call("BuyNow", body | {"idempotencyKey": "a"}, **{"Idempotency-Key": "b"})
    assert "idempotency_key" in _refused(differing, 400, "invalid_argument")


async def test_buy_now_is_refused_by_name(client: Client) -> None:
    unpriced, started = await client.list_item(), await client.list_item(buyNowPrice=5000)
    scheduled = await client.list_item(buyNowPrice=5000, startAt="2034-01-01T00:00:00Z")
    await _bid(client, started, _someone(), 100)

    async def reason(item_id: str, user_id: str, status: int = 400, code: str = "failed_precondition") -> str:
        return _refused(await client.call("BuyNow", {"itemId": item_id, "userId": user_id}), status, code)

    assert await reason(unpriced, _someone()) == "REASON_BUY_NOW_UNAVAILABLE"
    assert await reason(started, _someone()) == "REASON_BUY_NOW_UNAVAILABLE"
    assert await reason(scheduled, _someone()) == "REASON_NOT_STARTED"
    assert await reason(scheduled, SELLER_ID, 403, "permission_denied") == "REASON_SELLER"
    assert "no item" in await reason(_someone(), _someone(), 404, "not_found")
    assert "user_id" in await reason(started, "me", 400, "invalid_argument")


async def test_with_a_reserve_buy_now_stays_until_it_is_met(client: Client) -> None:
    item_id, buyer = await client.list_item(**FIXED, reservePrice=4000, buyNowPrice=6000), _someone()
    await _bid(client, item_id, _someone(), 1500)
    assert (await _item(client, item_id))["buyNowAvailable"]
    await _bid(client, item_id, _someone(), 4500)
    assert (await _item(client, item_id))["buyNowAvailable"] is False
    refused = await client.call("BuyNow", {"itemId": item_id, "userId": buyer})
    assert _refused(refused, 400, "failed_precondition") == "REASON_BUY_NOW_UNAVAILABLE"


async def test_a_scheduled_auction_starts_by_the_clock(client: Client) -> None:
    item_id, later, anna = (
        await client.list_item(startAt=_in(1.0)),
        await client.list_item(startAt="2034-01-01T00:00:00Z"),
        _someone(),
    )
    body = {"itemId": item_id, "userId": anna, "amount": 100}
    assert (await _item(client, later))["status"] == "ITEM_STATUS_SCHEDULED"
    too_early = await client.call("PlaceBid", body | {"itemId": later})
    assert _refused(too_early, 400, "failed_precondition") == "REASON_NOT_STARTED"
    async with asyncio.timeout(10):
        while (await _item(client, item_id))["status"] == "ITEM_STATUS_SCHEDULED":  # noqa: ASYNC110 - the server's
            await asyncio.sleep(POLL_SECONDS)
    assert (await client.ok("PlaceBid", body))["leading"]


async def test_a_seller_cancels_before_the_first_bid_only(client: Client) -> None:
    item_id, taken = await client.list_item(), await client.list_item()
    await _bid(client, taken, _someone(), 100)
    cancel = {"id": item_id, "seller_id": SELLER_ID}
    assert "its seller" in _refused(
        await client.call("CancelItem", cancel | {"seller_id": _someone()}), 403, "permission_denied"
    )
    cancelled = (await client.ok("CancelItem", cancel))["item"]
    assert (cancelled["status"], cancelled["seq"]) == ("ITEM_STATUS_CANCELLED", "2")
    assert "outcome" not in cancelled
    # A retry after a lost answer: the item, as it is.
    assert (await client.ok("CancelItem", cancel))["item"] == cancelled
    another = await client.call("CancelItem", cancel | {"seller_id": _someone()})
    assert "its seller" in _refused(another, 403, "permission_denied")
    has_bids = await client.call("CancelItem", {"id": taken, "sellerId": SELLER_ID})
    assert "has bid" in _refused(has_bids, 400, "failed_precondition")
    bid = await client.call("PlaceBid", {"itemId": item_id, "userId": _someone(), "amount": 100})
    assert _refused(bid, 400, "failed_precondition") == "REASON_CANCELLED"
    _refused(await client.call("CancelItem", {"id": _someone(), "sellerId": SELLER_ID}), 404, "not_found")
    _refused(await client.call("CancelItem", {"id": "x", "sellerId": SELLER_ID}), 400, "invalid_argument")
