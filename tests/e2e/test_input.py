"""Bad input: answered with an error that says what to mend, and with no effect."""

import gzip
import json
import math
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from gavel.contracts.bids.v1.bid_service_pb import PlaceBidRequest, PlaceBidResponse
from tests.e2e.gavel_process import SELLER_ID, Client, Standalone, bidder
from tests.e2e.identity_provider import SignedIn

pytestmark = pytest.mark.e2e

PLACE_BID = "bids.v1.BidService/PlaceBid"
JSON = {"Content-Type": "application/json"}
REFUSED_WITHIN = timedelta(seconds=1)
TRIES_MAX = 3


@pytest.fixture(params=["trusted", "jwt"])
def gavel(request: pytest.FixtureRequest, shared_gavel: Standalone, gavel_with_tokens: SignedIn) -> Standalone:
    """Every test twice: where the body names the actor, and where a token does."""
    return shared_gavel if request.param == "trusted" else gavel_with_tokens.gavel


@pytest_asyncio.fixture
async def client(gavel: Standalone, gavel_with_tokens: SignedIn) -> AsyncGenerator[Client]:
    """A client who signs each request as the one whom its body names, where tokens are asked for."""
    hooks = {"request": [gavel_with_tokens.sign]} if gavel is gavel_with_tokens.gavel else {}
    async with httpx.AsyncClient(timeout=30, event_hooks=hooks) as http:
        yield Client(http, gavel.url)


async def _post(gavel: Standalone, client: Client, body: bytes | str, **headers: str) -> httpx.Response:
    return await client.http.post(f"{gavel.url}/{PLACE_BID}", content=body, headers=JSON | headers)


def _elapsed(reply: httpx.Response) -> timedelta:
    """How long the answer took; asked again where it was too long, since the machine may have stood still."""
    elapsed, tries = reply.elapsed, 1
    with httpx.Client(timeout=30) as again:
        while elapsed >= REFUSED_WITHIN and tries < TRIES_MAX:
            elapsed, tries = again.send(reply.request).elapsed, tries + 1
    return elapsed


def _refused(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    error = reply.json()
    assert (reply.status_code, error["code"]) == (status, code), reply.text
    assert _elapsed(reply) < REFUSED_WITHIN
    for secret in ("Traceback", "asyncpg", "SELECT", ".py", "postgres", "<class"):
        assert secret not in reply.text
    return error


async def _no_effect(client: Client, item_id: str) -> None:
    item = (await client.ok("GetItem", {"id": item_id}))["item"]
    assert (item["seq"], item.get("bidCount", "0")) == ("1", "0")


@pytest.mark.parametrize("body", ["{}", "", "null", "[]", '{"item_id": ', "42", '"text"', "\x00", "{" * 100_000])
async def test_a_body_that_is_no_bid(gavel: Standalone, client: Client, body: str) -> None:
    _refused(await _post(gavel, client, body), 400, "invalid_argument")


async def test_deeply_nested_json(gavel: Standalone, client: Client) -> None:
    body = f'{{"unknown": {"[" * 50_000}{"]" * 50_000}}}'
    _refused(await _post(gavel, client, body), 400, "invalid_argument")
    assert (await client.http.get(f"{gavel.url}/livez")).status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "{123e4567-e89b-42d3-a456-426614174000}",
        "urn:uuid:123e4567-e89b-42d3-a456-426614174000",
        "123e4567e89b42d3a456426614174000",
        "123e4567-e89b-42d3-a456-42661417400\x00",
        " 123e4567-e89b-42d3-a456-426614174000",
    ],
)
async def test_an_id_that_is_no_uuid(client: Client, text: str) -> None:
    item_id = await client.list_item()
    of_item = await client.call("PlaceBid", {"itemId": text, "userId": bidder(1), "amount": 100})
    assert "item_id" in _refused(of_item, 400, "invalid_argument")["message"]
    if text or not client.http.event_hooks["request"]:
        # Without a name in the body, a token's bearer is meant.
        of_user = await client.call("PlaceBid", {"itemId": item_id, "userId": text, "amount": 100})
        assert "user_id" in _refused(of_user, 400, "invalid_argument")["message"]
    await _no_effect(client, item_id)


@pytest.mark.parametrize("method", ["PlaceBid", "GetItemBids"])
async def test_an_unknown_item(client: Client, method: str) -> None:
    body = {"itemId": str(uuid4()), "userId": bidder(1), "amount": 100}
    _refused(await client.call(method, body), 404, "not_found")


async def test_an_unknown_item_or_user_is_not_found(client: Client) -> None:
    _refused(await client.call("GetItem", {"id": str(uuid4())}), 404, "not_found")
    _refused(await client.call("GetUserStats", {"userId": str(uuid4())}), 404, "not_found")


@pytest.mark.parametrize(
    "amount",
    ["0", "-1", '"-1"', None, "9223372036854775808", "1e30", "100.5", '"abc"', "true", '"NaN"', "NaN", f"{10**15 + 1}"],
)
async def test_an_amount_that_is_no_bid(gavel: Standalone, client: Client, amount: str | None) -> None:
    item_id = await client.list_item()
    bid = f'"item_id": "{item_id}", "user_id": "{bidder(1)}"' + ("" if amount is None else f', "amount": {amount}')
    _refused(await _post(gavel, client, f"{{{bid}}}"), 400, "invalid_argument")
    await _no_effect(client, item_id)


async def test_a_maximum_below_the_amount(client: Client) -> None:
    item_id = await client.list_item()
    body = {"itemId": item_id, "userId": bidder(1), "amount": 500, "maxAmount": 499}
    assert "max_amount" in _refused(await client.call("PlaceBid", body), 400, "invalid_argument")["message"]
    await _no_effect(client, item_id)


def _rejected(error: dict[str, Any]) -> dict[str, Any]:
    [detail] = error["details"]
    assert detail["type"] == "bids.v1.BidRejected"
    return detail["debug"]


async def test_a_bid_under_the_start_price_and_one_under_the_increment(client: Client) -> None:
    item_id = await client.list_item(startPrice=1000)
    body = {"itemId": item_id, "userId": bidder(1), "amount": 999}
    error = _refused(await client.call("PlaceBid", body), 400, "failed_precondition")
    assert (_rejected(error)["reason"], _rejected(error)["minimumNextBid"]) == ("REASON_TOO_LOW", "1000")
    await _no_effect(client, item_id)

    await client.ok("PlaceBid", body | {"amount": 1000})
    second = await client.call("PlaceBid", body | {"userId": bidder(2), "amount": 1049})
    rejected = _rejected(_refused(second, 400, "failed_precondition"))
    assert (rejected["reason"], rejected["currentHighestBid"], rejected["minimumNextBid"]) == (
        "REASON_TOO_LOW", "1000", "1050",
    )  # fmt: skip
    assert rejected["endAt"] == "2035-01-01T00:00:00Z"
    assert len(await client.bids(item_id)) == 1


async def test_the_sellers_own_bid(client: Client) -> None:
    item_id = await client.list_item()
    body = {"itemId": item_id, "userId": SELLER_ID, "amount": 100}
    error = _refused(await client.call("PlaceBid", body), 403, "permission_denied")
    assert _rejected(error)["reason"] == "REASON_SELLER"
    await _no_effect(client, item_id)


async def test_the_leaders_second_bid(client: Client) -> None:
    item_id = await client.list_item()
    body = {"itemId": item_id, "userId": bidder(1), "amount": 100}
    await client.ok("PlaceBid", body)
    error = _refused(await client.call("PlaceBid", body), 400, "failed_precondition")
    assert _rejected(error)["reason"] == "REASON_ALREADY_LEADING"


async def test_a_bid_on_an_item_that_has_not_started_or_has_ended(client: Client) -> None:
    scheduled = await client.list_item(startAt="2034-01-01T00:00:00Z")
    body = {"itemId": scheduled, "userId": bidder(1), "amount": 100}
    error = _refused(await client.call("PlaceBid", body), 400, "failed_precondition")
    assert _rejected(error)["reason"] == "REASON_NOT_STARTED"
    await _no_effect(client, scheduled)


async def test_an_idempotency_key_in_body_and_header(client: Client) -> None:
    item_id = await client.list_item()
    body = {"itemId": item_id, "userId": bidder(1), "amount": 100, "idempotencyKey": "one"}
    differing = await client.call("PlaceBid", body, **{"Idempotency-Key": "two"})
    assert "idempotency_key" in _refused(differing, 400, "invalid_argument")["message"]
    await _no_effect(client, item_id)
    first = await client.ok("PlaceBid", body, **{"Idempotency-Key": "one"})
    del body["idempotencyKey"]
    again = await client.ok("PlaceBid", body, **{"Idempotency-Key": "one"})
    assert again["bid"] == first["bid"]
    reused = await client.call("PlaceBid", body | {"amount": 200}, **{"Idempotency-Key": "one"})
    _refused(reused, 409, "already_exists")
    for key in ("x" * 129, "with\ttab", "with\nline"):
        _refused(await client.call("PlaceBid", body | {"idempotencyKey": key}), 400, "invalid_argument")


async def test_a_key_of_any_script_is_the_same_in_body_and_header(client: Client) -> None:
    item_id, url = await client.list_item(), client.url_of("PlaceBid")
    body = {"itemId": item_id, "userId": bidder(1), "amount": 100}
    first = await client.ok("PlaceBid", body | {"idempotencyKey": "clé 鍵"})
    for repeated in (body, body | {"idempotencyKey": "clé 鍵"}):
        # As bytes: of a text the client would take ASCII only.
        sent = {name.encode(): value.encode() for name, value in {"Idempotency-Key": "clé 鍵"}.items()}
        again = await client.http.post(url, json=repeated, headers=sent)
        assert again.status_code == 200, again.text
        assert again.json()["bid"] == first["bid"]


async def test_a_key_in_a_header_that_is_no_text_is_refused(client: Client) -> None:
    body = {"itemId": await client.list_item(), "userId": bidder(1), "amount": 100}
    sent = {b"Idempotency-Key": "clé".encode("latin-1")}
    reply = await client.http.post(client.url_of("PlaceBid"), json=body, headers=sent)
    assert "idempotency_key" in _refused(reply, 400, "invalid_argument")["message"]


async def test_the_wrong_content_type_method_or_name(gavel: Standalone, client: Client) -> None:
    url = f"{gavel.url}/{PLACE_BID}"
    for content_type in ({"Content-Type": "text/plain"}, {}):
        assert (await client.http.post(url, content=b"{}", headers=content_type)).status_code == 415
    assert (await client.http.get(url)).status_code == 405
    unknown = await client.http.post(f"{gavel.url}/bids.v1.BidService/Nothing", json={})
    assert unknown.status_code == 404


async def test_a_body_past_the_limit(gavel: Standalone, client: Client) -> None:
    body = json.dumps({"itemId": "x" * 10_000_000})
    _refused(await _post(gavel, client, body), 429, "resource_exhausted")


async def test_a_gzip_bomb(gavel: Standalone, client: Client) -> None:
    bomb = gzip.compress(b'{"itemId": "' + b"x" * 100_000_000 + b'"}')
    assert len(bomb) < 200_000
    reply = await _post(gavel, client, bomb, **{"Content-Encoding": "gzip"})
    _refused(reply, 429, "resource_exhausted")


async def test_timeouts_that_are_none(client: Client) -> None:
    item_id = await client.list_item()
    body = {"itemId": item_id, "userId": bidder(1), "amount": 100}
    for text in ("abc", "-1", "1.5", "99999999999"):
        reply = await client.call("PlaceBid", body, **{"Connect-Timeout-Ms": text})
        _refused(reply, 400, "invalid_argument")
    await _no_effect(client, item_id)
    await client.ok("PlaceBid", body, **{"Connect-Timeout-Ms": "9999999999"})


async def test_a_timeout_of_a_millisecond_agrees_with_the_database(client: Client) -> None:
    item_id = await client.list_item()
    body = {"itemId": item_id, "userId": bidder(1), "amount": 100, "idempotencyKey": "k"}
    reply = await client.call("PlaceBid", body, **{"Connect-Timeout-Ms": "1"})
    if reply.status_code != 200:
        _refused(reply, 504, "deadline_exceeded")
    told = await client.ok("PlaceBid", body)
    [bid] = await client.bids(item_id)
    assert told["bid"] == bid


@pytest.mark.parametrize(("asked", "given"), [(0, 20), (1, 1), (10**9, 100)])
async def test_page_sizes(client: Client, asked: int, given: int) -> None:
    item_id = await client.list_item(bidIncrement={"fixed": 1})
    for number in range(103):
        await client.ok("PlaceBid", {"itemId": item_id, "userId": bidder(number), "amount": 100 + number})
    page = await client.ok("GetItemBids", {"itemId": item_id, "pageSize": asked})
    assert len(page["bids"]) == given


async def test_page_sizes_and_tokens_that_are_none(client: Client) -> None:
    one, other = await client.list_item(), await client.list_item()
    for number, amount in enumerate((100, 200)):
        await client.ok("PlaceBid", {"itemId": one, "userId": bidder(number), "amount": amount})
    token = (await client.ok("GetItemBids", {"itemId": one, "pageSize": 1}))["nextPageToken"]
    forged = ("A" if token[0] != "A" else "B") + token[1:]
    for body in (
        {"itemId": one, "pageSize": -1},
        {"itemId": one, "pageToken": forged},
        {"itemId": one, "pageToken": "x"},
        {"itemId": one, "pageToken": "x" * 5000},
        {"itemId": other, "pageToken": token},
    ):
        _refused(await client.call("GetItemBids", body), 400, "invalid_argument")
    for body in ({"pageToken": token}, {"pageSize": -5}):
        _refused(await client.call("ListItems", body), 400, "invalid_argument")


_PAST = (datetime.now(UTC) - timedelta(hours=1)).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("end_at", {"endAt": _PAST}),
        ("end_at", {"endAt": None}),
        ("end_at", {"startAt": "2034-01-01T00:00:00Z", "endAt": "2033-01-01T00:00:00Z"}),
        ("start_price", {"startPrice": 0}),
        ("start_price", {"startPrice": 10**15 + 1}),
        ("reserve_price", {"reservePrice": 99}),
        ("buy_now_price", {"reservePrice": 300, "buyNowPrice": 299}),
        ("buy_now_price", {"buyNowPrice": 99}),
        ("bid_increment", {"bidIncrement": {"fixed": -1}}),
        ("bid_increment", {"bidIncrement": {"basisPoints": -1}}),
        ("soft_close", {"softClose": {"windowSeconds": -1}}),
        ("soft_close", {"softClose": {"windowSeconds": 10, "extensionSeconds": 0}}),
        ("title", {"title": ""}),
        ("title", {"title": "   "}),
        ("title", {"title": "x" * 201}),
        ("title", {"title": "nul\x00"}),
        ("description", {"description": "x" * 10_001}),
        ("images", {"images": ["https://example.com/x.png"] * 21}),
        ("images", {"images": ["javascript:alert(1)"]}),
        ("images", {"images": ["https://"]}),
        ("category", {"category": " "}),
        ("seller_id", {"sellerId": "me"}),
    ],
)
async def test_an_item_that_can_not_be_listed(client: Client, field: str, fields: dict[str, Any]) -> None:
    item = {"title": "x", "sellerId": SELLER_ID, "startPrice": 100, "endAt": "2035-01-01T00:00:00Z"} | fields
    assert field in _refused(await client.call("CreateItem", item), 400, "invalid_argument")["message"]


@pytest.mark.parametrize("category", ["nul\x00", "x" * 65, " "])
async def test_a_category_that_no_item_can_have(client: Client, category: str) -> None:
    told = _refused(await client.call("ListItems", {"category": category}), 400, "invalid_argument")
    assert "category" in told["message"]


async def test_a_title_of_10_mb(client: Client) -> None:
    item = {"title": "x" * 10_000_000, "sellerId": SELLER_ID, "startPrice": 100, "endAt": "2035-01-01T00:00:00Z"}
    _refused(await client.call("CreateItem", item), 429, "resource_exhausted")


@pytest.mark.parametrize(
    "title",
    ["two\nlines", "🔨 gavel", "\u202eright to left", "'; DROP TABLE auctions; --", "<script>alert(1)</script>"],
)
async def test_a_title_is_stored_and_shown_literally(client: Client, title: str) -> None:
    item_id = await client.list_item(title=title)
    assert (await client.ok("GetItem", {"id": item_id}))["item"]["title"] == title


async def test_binary_protobuf_is_the_same_bid(gavel: Standalone, client: Client) -> None:
    item_id = await client.list_item()
    request = PlaceBidRequest(item_id=item_id, user_id=bidder(1), amount=15_000).to_binary()
    proto = {"Content-Type": "application/proto"}
    reply = await client.http.post(f"{gavel.url}/{PLACE_BID}", content=request, headers=proto)
    assert reply.headers["content-type"] == "application/proto"
    answer = PlaceBidResponse.from_binary(reply.content)
    assert answer.bid is not None
    assert (answer.bid.amount, answer.current_highest_bid, answer.leading) == (15_000, 15_000, True)
    garbage = await client.http.post(f"{gavel.url}/{PLACE_BID}", content=b"\xff\xff", headers=proto)
    _refused(garbage, 400, "invalid_argument")


def test_nan_is_what_python_writes_for_it() -> None:
    assert json.dumps(math.nan) == "NaN"


@pytest.mark.parametrize(("method", "body"), [("GetItem", {"id": "x"}), ("GetUserStats", {"userId": "x"})])
async def test_headers_that_are_no_utf8_are_headers_all_the_same(
    gavel: Standalone, client: Client, method: str, body: dict[str, str]
) -> None:
    junk = [(b"content-type", b"application/json"), (b"referer", b"caf\xe9 \xff")]
    reply = await client.http.post(client.url_of(method), content=json.dumps(body), headers=junk)
    _refused(reply, 400, "invalid_argument")


@pytest.mark.parametrize("method", ["PlaceBid", "GetItem", "GetUserStats", "WatchItems"])
async def test_grpc_is_refused_in_words_of_http(gavel: Standalone, client: Client, method: str) -> None:
    grpc = {"Content-Type": "application/grpc+proto", "TE": "trailers"}
    reply = await client.http.post(client.url_of(method), content=b"\0\0\0\0\0", headers=grpc)
    kind = "application/connect+" if method == "WatchItems" else "application/"
    assert (reply.status_code, reply.headers["accept-post"]) == (415, f"{kind}json, {kind}proto")
