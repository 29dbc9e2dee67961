"""Who may act for whom: every method of both contracts, every role, both encodings, POST and GET."""

import base64
import gzip
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import asyncpg
import pytest
from protobuf import DescMethod, Message
from protobuf.wkt.google.protobuf.descriptor_pb import MethodOptions

from gavel.bids.api import open_bid_api
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.contracts.bids.v1.bid_service_connect import BidService
from gavel.contracts.userstats.v1 import user_stats_service_pb as stats_pb
from gavel.contracts.userstats.v1.user_stats_service_connect import UserStatsService
from gavel.runtime.http.access_control import AccessControl, Limits
from gavel.runtime.http.authentication.token_keys import OneKey, public_key_of
from gavel.runtime.http.authentication.tokens import TokenVerifier
from gavel.runtime.http.connect.protocol import envelope
from gavel.runtime.http.rate_limits import RateLimit
from gavel.runtime.http.routes import Pipeline, Routes
from gavel.runtime.http.server import bind, serving
from gavel.runtime.postgres import connections as postgres
from gavel.userstats.api import open_stats_api
from tests.auction_house import new_user
from tests.memory_edge import PLACE_BID, encoded, memory_edge
from tests.raw_http import Address, Reply, chunked, cut, head, post, replies_to
from tests.tokens import AUDIENCE, ISSUER, SigningKey

pytestmark = pytest.mark.integration

KEY = SigningKey("only")
ENCODINGS = ("json", "proto")
ROLES: dict[str, Sequence[str]] = {"none": (), "bidder": ("bidder",), "seller": ("seller",), "admin": ("admin",)}
# The role that each method needs; none is a public read. A new method must be added.
NEEDED = {
    "PlaceBid": "bidder",
    "BuyNow": "bidder",
    "ListMyBids": "bidder",
    "CreateItem": "seller",
    "UpdateItem": "seller",
    "CancelItem": "seller",
    "GetItem": "",
    "ListItems": "",
    "ListSellerItems": "",
    "GetItemBids": "",
    "GetLeaderboard": "",
    "WatchItems": "",
    "GetUserStats": "",
    "ListTopBidders": "",
}
METHODS = {
    method.name: (f"/{desc.type_name}/{method.name}", method)
    for desc in (BidService.desc(), UserStatsService.desc())
    for method in desc.methods
}
ACTING_FIELDS = frozenset(("user_id", "seller_id"))
_token_numbers = count(1)


def token_of(user_id: str, roles: Sequence[str]) -> str:
    """A token that no server has seen."""
    return KEY.sign(sub=user_id, roles=list(roles), jti=str(next(_token_numbers)))


@dataclass(frozen=True, slots=True)
class House:
    """Both services on one port, the databases behind them, and two users: the seller of an item, and another."""

    address: Address
    pools: Sequence[asyncpg.Pool]
    seller_id: str
    item_id: str

    async def call(self, method: str, message: Message, encoding: str, token: str = "", *, get: bool = False) -> str:
        """Call a method; the Connect code of the answer, or `ok`."""
        path, desc = METHODS[method]
        body = message.to_binary() if encoding == "proto" else message.to_json().encode()
        authorization = [f"authorization: Bearer {token}".encode()] if token else []
        if get:
            text = base64.urlsafe_b64encode(body).decode().rstrip("=")
            target = f"{path}?connect=v1&encoding={encoding}&base64=1&message={text}"
            lines = [f"GET {target} HTTP/1.1".encode(), b"host: gavel", b"connection: close", *authorization]
            request = b"\r\n".join([*lines, b"", b""])
        elif desc.method_kind == "unary":
            request = post(path, body, f"application/{encoding}", b"connection: close", *authorization)
        else:
            fields = (b"connect-timeout-ms: 1", b"connection: close", *authorization)
            request = post(path, envelope(body), f"application/connect+{encoding}", *fields)
        [reply] = await replies_to(self.address, [request])
        return _code_of(reply)

    async def stored(self) -> list[tuple[str, str]]:
        """A digest of every table."""
        digests: list[tuple[str, str]] = []
        for pool in self.pools:
            tables = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            for (table,) in tables:
                rows = f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
                digests.append((table, await pool.fetchval(rows)))
        return digests


def _code_of(reply: Reply) -> str:
    if reply.headers["content-type"].startswith("application/connect+"):
        # The first message of a stream: an event, or its end.
        if reply.body[0] != 2:
            return "ok"
        return json.loads(reply.body[5:])["error"]["code"]
    return "ok" if reply.status == 200 else reply.json()["code"]


def access_control(limits: Limits | None = None) -> AccessControl:
    """Access control that believes the tokens of this module."""
    keys = OneKey(public_key_of(KEY.pem))
    verifier = TokenVerifier(keys, issuer=ISSUER, audience=AUDIENCE, algorithms=("ES256",), roles_claim="roles")
    return AccessControl(verifier, limits=limits)


@pytest.fixture
async def house(bid_db_url: str, stats_db_url: str) -> AsyncGenerator[House]:
    async with AsyncExitStack() as stack:
        yield await _open_house(stack, bid_db_url, stats_db_url)


async def _open_house(stack: AsyncExitStack, bid_db_url: str, stats_db_url: str) -> House:
    bids = await stack.enter_async_context(open_bid_api(bid_db_url, "USD"))
    stats = await stack.enter_async_context(open_stats_api(stats_db_url))
    pools = [
        await stack.enter_async_context(await postgres.open_pool(url, "tests")) for url in (bid_db_url, stats_db_url)
    ]
    listener = bind("127.0.0.1", 0)
    handler = Pipeline(Routes({**bids.routes, **(stats.routes or {})}), access_control())
    await stack.enter_async_context(serving(handler, listener, bids.feed.stop))
    seller_id = new_user()
    unlisted = House(listener.getsockname(), pools, seller_id, "")
    path, _ = METHODS["CreateItem"]
    authorization = f"authorization: Bearer {token_of(seller_id, ['seller'])}".encode()
    body = message_of("CreateItem", "", seller_id).to_json().encode()
    request = post(path, body, "application/json", b"connection: close", authorization)
    [reply] = await replies_to(unlisted.address, [request])
    return House(unlisted.address, pools, seller_id, reply.json()["item"]["id"])


def message_of(method: str, item_id: str, acting_id: str) -> Message:
    """A request that its acting user could make with success, if that user may make it at all."""
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    fields: Mapping[str, Mapping[str, Any]] = {
        "PlaceBid": {"item_id": item_id, "amount": 1_000},
        "BuyNow": {"item_id": item_id},
        "CreateItem": {"title": "A lot", "start_price": 1, "buy_now_price": 10**6, "end_at": later},
        "UpdateItem": {"id": item_id, "title": "Another title"},
        "CancelItem": {"id": item_id},
        "GetItem": {"id": item_id},
        "GetItemBids": {"item_id": item_id},
        "GetLeaderboard": {"item_id": item_id},
        "WatchItems": {"items": [{"item_id": item_id}]},
    }
    _, desc = METHODS[method]
    acting = {field.name: acting_id for field in desc.input.fields if field.name in ACTING_FIELDS}
    return _REQUESTS[method].from_json(json.dumps({**fields.get(method, {}), **acting}))


_REQUESTS: dict[str, Any] = {
    method: getattr(pb, f"{method}Request", None) or getattr(stats_pb, f"{method}Request") for method in METHODS
}


def acting_of(method: str, house: House, bidder_id: str) -> str:
    """The user in whose name a request would succeed: the seller for what is done to the item, else a bidder."""
    return house.seller_id if NEEDED[method] == "seller" else bidder_id


def forms_of(desc: DescMethod) -> Sequence[bool]:
    """Whether to call by GET: both, if the contract allows it."""
    return (False, True) if desc.idempotency == MethodOptions.IdempotencyLevel.NO_SIDE_EFFECTS else (False,)


def test_every_method_of_both_contracts_is_in_the_table_of_this_test() -> None:
    assert METHODS.keys() == NEEDED.keys()
    named = {name for name, (_, desc) in METHODS.items() if ACTING_FIELDS & {field.name for field in desc.input.fields}}
    # What is done in a name has a field for it; of the public reads some have a user as their subject.
    assert {name for name, role in NEEDED.items() if role} == named - {"ListSellerItems", "GetUserStats"}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("roles", ROLES.values(), ids=ROLES)
async def test_a_token_acts_for_no_other_user_in_any_method_and_changes_nothing(
    house: House, roles: Sequence[str], encoding: str
) -> None:
    other, bidder = new_user(), new_user()
    before = await house.stored()
    for method, role in NEEDED.items():
        if not role:
            continue
        message = message_of(method, house.item_id, acting_of(method, house, bidder))
        for get in forms_of(METHODS[method][1]):
            token = token_of(other, roles)
            # The first call with a token verifies it; from the second on it was seen.
            codes = [await house.call(method, message, encoding, token, get=get) for _ in range(2)]
            assert codes == ["permission_denied"] * 2, (method, get)
    assert await house.stored() == before


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("roles", ROLES.values(), ids=ROLES)
async def test_a_method_needs_its_role_also_of_the_user_that_acts(
    house: House, roles: Sequence[str], encoding: str
) -> None:
    bidder = new_user()
    before = await house.stored()
    for method, role in NEEDED.items():
        if not role or role in roles or "admin" in roles:
            continue
        user_id = acting_of(method, house, bidder)
        message = message_of(method, house.item_id, user_id)
        for get in forms_of(METHODS[method][1]):
            token = token_of(user_id, roles)
            codes = [await house.call(method, message, encoding, token, get=get) for _ in range(2)]
            assert codes == ["permission_denied"] * 2, (method, get)
    assert await house.stored() == before


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("is_admin", [False, True], ids=["own role", "admin"])
async def test_the_user_of_a_token_with_the_role_is_served_by_every_method(
    house: House, encoding: str, is_admin: bool
) -> None:
    bidder = new_user()
    # What ends the item comes last.
    ending = ["PlaceBid", "BuyNow", "CancelItem"]
    for method in [*(name for name in NEEDED if name not in ending), *ending]:
        role, user_id = NEEDED[method], acting_of(method, house, bidder)
        message = message_of(method, house.item_id, user_id)
        token = token_of(user_id, ["admin"] if is_admin else [role] if role else [])
        # Where another user's bid stands, an item can neither be bought at once nor be cancelled.
        rules = {"BuyNow": "failed_precondition", "CancelItem": "failed_precondition", "GetUserStats": "not_found"}
        expected = rules.get(method, "ok")
        for get in forms_of(METHODS[method][1]):
            assert await house.call(method, message, encoding, token, get=get) == expected, (method, get)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("token", ["", "forged"], ids=["no token", "forged token"])
async def test_without_a_valid_token_only_public_reads_are_served(house: House, encoding: str, token: str) -> None:
    forged = SigningKey("only").sign(sub=house.seller_id, roles=["admin"]) if token else ""
    bidder = new_user()
    before = await house.stored()
    for method, role in NEEDED.items():
        message = message_of(method, house.item_id, acting_of(method, house, bidder))
        expected = "unauthenticated" if role or forged else "not_found" if method == "GetUserStats" else "ok"
        for get in forms_of(METHODS[method][1]):
            codes = [await house.call(method, message, encoding, forged, get=get) for _ in range(2)]
            assert codes == [expected] * 2, (method, get)
    assert await house.stored() == before


def _plain(path: str, body: bytes, content_type: str, *headers: bytes) -> list[bytes]:
    return [post(path, body, content_type, *headers)]


def _gzip(path: str, body: bytes, content_type: str, *headers: bytes) -> list[bytes]:
    return [post(path, gzip.compress(body), content_type, b"content-encoding: gzip", *headers)]


def _timeout(path: str, body: bytes, content_type: str, *headers: bytes) -> list[bytes]:
    return [post(path, body, content_type, b"connect-timeout-ms: 9000", *headers)]


def _chunks(path: str, body: bytes, content_type: str, *headers: bytes) -> list[bytes]:
    request = head(path, content_type, b"transfer-encoding: chunked", *headers) + chunked(body, [1, 2])
    return [request]


def _pieces(path: str, body: bytes, content_type: str, *headers: bytes) -> list[bytes]:
    request = post(path, body, content_type, *headers)
    return cut(request, range(1, len(request)))


WAYS: dict[str, Callable[..., list[bytes]]] = {
    "plain": _plain,
    "gzip": _gzip,
    "timeout": _timeout,
    "chunked": _chunks,
    "pieces": _pieces,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_a_bid_is_charged_to_its_user_once_whichever_way_it_comes(
    encoding: str, way: Callable[..., list[bytes]]
) -> None:
    calls_max = 4
    # So slow that nothing is given back while the test runs.
    limits = Limits(user=RateLimit("user", 1e-6, calls_max))
    async with memory_edge(access_control(limits)) as edge:
        item_id, user_id = await edge.list_item(), new_user()

        async def bid(bidder_id: str, amount: int, token: str) -> str:
            body = encoded(pb.PlaceBidRequest(item_id=item_id, user_id=bidder_id, amount=amount), encoding)
            fields = (f"authorization: Bearer {token}".encode(), b"connection: close")
            [reply] = await replies_to(edge.address, way(PLACE_BID, body, f"application/{encoding}", *fields))
            return _code_of(reply)

        # Every second call has a token that was seen.
        tokens = [token_of(user_id, ["bidder"]) for _ in range(calls_max)]
        codes = [await bid(user_id, 1_000 + number, tokens[number // 2]) for number in range(calls_max + 2)]
        assert codes == ["ok"] * calls_max + ["resource_exhausted"] * 2
        other = new_user()
        assert await bid(other, 5_000, token_of(other, ["bidder"])) == "ok"
