"""HTTP/1.1 (RFC 9112) as PlaceBid, in both encodings, and a page keep it on a real port, wherever packets are cut."""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass

import pytest

from gavel.bids.domain.auction import ItemId, UserId
from gavel.contracts.bids.v1.bid_service_pb import PlaceBidRequest, PlaceBidResponse
from gavel.runtime.http.access_control import AccessControl
from gavel.runtime.http.authentication.token_keys import OneKey, public_key_of
from gavel.runtime.http.authentication.tokens import TokenVerifier
from tests.auction_house import new_user
from tests.memory_edge import ENCODINGS, PAGE, PLACE_BID, MemoryEdge, encoded, memory_edge, placed_amount
from tests.raw_http import Reply, chunked, cut, head, last_request, post, post_chunked, replies_in, replies_to
from tests.tokens import ISSUER, SigningKey

pytestmark = pytest.mark.integration

AMOUNT = 1_000
# In the binary encoding not every place, but every one of these: the head is the same.
PROTO_STEP = 7
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA\r\n"

# What stands behind `content-type`. BODY is the body, CHUNKS the same in chunks, LENGTH its length.
REFUSED = {
    "lengths that differ": b"content-length: LENGTH\r\ncontent-length: 1LENGTH\r\n\r\nBODY",
    "a repeated length": b"content-length: LENGTH\r\ncontent-length: LENGTH\r\n\r\nBODY",
    "a list of lengths": b"content-length: LENGTH, LENGTH\r\n\r\nBODY",
    "a signed length": b"content-length: +LENGTH\r\n\r\nBODY",
    "an empty length": b"content-length:\r\n\r\nBODY",
    "a space before the colon": b"content-length : LENGTH\r\n\r\nBODY",
    "length, then chunks": b"content-length: LENGTH\r\ntransfer-encoding: chunked\r\n\r\nCHUNKS",
    "chunks, then length": b"transfer-encoding: chunked\r\ncontent-length: LENGTH\r\n\r\nCHUNKS",
    "chunked twice": b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\nCHUNKS",
    "chunked before the last": b"transfer-encoding: chunked, gzip\r\n\r\nCHUNKS",
    "identity": b"transfer-encoding: identity\r\n\r\nBODY",
    "a folded line": b"x: y\r\n z\r\ncontent-length: LENGTH\r\n\r\nBODY",
    "a folded length": b"content-length:\r\n LENGTH\r\n\r\nBODY",
    "a bare LF": b"x: y\ncontent-length: LENGTH\r\n\r\nBODY",
    "a bare CR": b"x: y\rcontent-length: LENGTH\r\n\r\nBODY",
    "a head that ends in LF": b"content-length: LENGTH\r\n\nBODY",
    "a second host": b"host: other\r\ncontent-length: LENGTH\r\n\r\nBODY",
    "a chunk without a size": b"transfer-encoding: chunked\r\n\r\n;x\r\nCHUNKS",
}
ACCEPTED = {
    "a length": b"content-length: LENGTH\r\n\r\nBODY",
    "chunks": b"transfer-encoding: chunked\r\n\r\nCHUNKS",
    "a name in odd case": b"cONTENT-lENGTH: LENGTH\r\n\r\nBODY",
    "chunked in upper case": b"Transfer-Encoding: CHUNKED\r\n\r\nCHUNKS",
    "white space around a value": b"content-length: \t LENGTH \t\r\n\r\nBODY",
    "an upgrade": UPGRADE + b"content-length: LENGTH\r\n\r\nBODY",
    "an upgrade and chunks": UPGRADE + b"transfer-encoding: chunked\r\n\r\nCHUNKS",
    "a wait for 100": b"expect: 100-continue\r\ncontent-length: LENGTH\r\n\r\nBODY",
}
TARGETS = (*ENCODINGS, "page")
targets = pytest.mark.parametrize("target", TARGETS)
encodings = pytest.mark.parametrize("encoding", ENCODINGS)


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests of one kind: bids in an encoding, each on an item of its own, or of a page."""

    edge: MemoryEdge
    target: str
    user_id: UserId

    async def framed(self, template: bytes) -> tuple[bytes, ItemId]:
        """A request whose framing is that of a template; the item that it is about."""
        item_id, body = await self.edge.list_item(), b"hello"
        line, content_type = b"GET %b HTTP/1.1" % PAGE.encode(), b"text/plain"
        if self.target != "page":
            line, content_type = b"POST %b HTTP/1.1" % PLACE_BID.encode(), b"application/%b" % self.target.encode()
            body = encoded(PlaceBidRequest(item_id=item_id, user_id=self.user_id, amount=AMOUNT), self.target)
        head = b"%b\r\nhost: gavel\r\ncontent-type: %b\r\n" % (line, content_type)
        for name, value in ((b"LENGTH", b"%d" % len(body)), (b"BODY", body), (b"CHUNKS", chunked(body, [1, 20]))):
            template = template.replace(name, value)
        return head + template, item_id

    def places(self, request: bytes) -> Iterable[Sequence[int]]:
        """Where to cut a request: nowhere, at each place, and everywhere."""
        yield ()
        for place in range(1, len(request), PROTO_STEP if self.target == "proto" else 1):
            yield (place,)
        yield range(1, len(request))


@pytest.fixture
async def edge() -> AsyncGenerator[MemoryEdge]:
    async with memory_edge() as opened:
        yield opened


_IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Also within the detail of an error, whose binary form has times.
_TIMES = re.compile(r'\d{4}-\d\d-\d\dT[\d:.]+Z|(?<="value": ")[^"]+')


def alike(replies: Sequence[Reply]) -> list[tuple[int, dict[str, str], str]]:
    """Replies without ids and times, and without what depends on their length."""
    return [
        (reply.status, {n: v for n, v in reply.headers.items() if n not in ("date", "content-length")}, _text_of(reply))
        for reply in replies
    ]


def _text_of(reply: Reply) -> str:
    if reply.headers.get("content-type") == "application/proto":
        text = PlaceBidResponse.from_binary(reply.body).to_json()
    else:
        text = reply.body.decode()
    return _TIMES.sub("TIME", _IDS.sub("ID", text))


@targets
@pytest.mark.parametrize("template", REFUSED.values(), ids=REFUSED)
async def test_a_request_with_ambiguous_framing_is_refused_with_all_that_follows(
    edge: MemoryEdge, target: str, template: bytes
) -> None:
    requests = Requests(edge, target, new_user())
    request, item_id = await requests.framed(template)
    for places in requests.places(request):
        replies = await replies_to(edge.address, [*cut(request, places), last_request()])
        [reply] = replies
        assert (reply.status, reply.json()["code"]) == (400, "invalid_argument"), places
        assert reply.headers["connection"] == "close"
    assert edge.amounts(item_id) == []


@targets
@pytest.mark.parametrize("template", ACCEPTED.values(), ids=ACCEPTED)
async def test_a_request_is_answered_the_same_wherever_it_is_cut(
    edge: MemoryEdge, target: str, template: bytes
) -> None:
    requests = Requests(edge, target, new_user())
    request, _ = await requests.framed(template)
    expected = None
    for places in requests.places(request):
        request, item_id = await requests.framed(template)
        replies = await replies_to(edge.address, [*cut(request, places), last_request()])
        expected = expected or alike(replies)
        assert alike(replies) == expected, places
        assert [reply.status for reply in replies if reply.status != 100] == [200, 200], places
        assert edge.amounts(item_id) == ([] if target == "page" else [AMOUNT])


CONTENTS = {
    "a bid": {},
    "a bid too low": {"amount": 1},
    "no amount": {"amount": 0},
    "an amount below 0": {"amount": -1},
    "no item": {"item_id": ""},
    "an unknown item": {"item_id": "123e4567-e89b-42d3-a456-426614174000"},
    "a bad key": {"idempotency_key": "x" * 129},
}


@encodings
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
async def test_a_bid_is_answered_the_same_whichever_way_it_comes(
    edge: MemoryEdge, encoding: str, content: dict[str, str | int]
) -> None:
    content_type, user_id = f"application/{encoding}", new_user()

    async def ways() -> list[tuple[str, ItemId, bytes]]:
        made: list[tuple[str, ItemId, bytes]] = []
        for name in ("plain", "gzip", "timeout", "chunked", "upgrade", "protocol version", "parameters"):
            item_id = await edge.list_item(start_price=10)
            fields = {"item_id": item_id, "user_id": user_id, "amount": AMOUNT} | content
            body = encoded(PlaceBidRequest(**fields), encoding)  # type: ignore[arg-type]
            request = {
                "plain": post(PLACE_BID, body, content_type),
                "gzip": post(PLACE_BID, gzip.compress(body), content_type, b"content-encoding: gzip"),
                "timeout": post(PLACE_BID, body, content_type, b"connect-timeout-ms: 9000"),
                "chunked": post_chunked(PLACE_BID, body, content_type, sizes=[1, 30]),
                "upgrade": post(PLACE_BID, body, content_type, UPGRADE.removesuffix(b"\r\n")),
                "protocol version": post(PLACE_BID, body, content_type, b"connect-protocol-version: 1"),
                "parameters": post(PLACE_BID, body, content_type.upper() + "; charset=utf-8"),
            }[name]
            made.append((name, item_id, request))
        return made

    expected = None
    for in_bytes in (False, True):
        for name, item_id, request in await ways():
            places = range(1, len(request)) if in_bytes else ()
            replies = await replies_to(edge.address, [*cut(request, places), last_request()])
            expected = expected or alike(replies)
            assert alike(replies) == expected, name
            assert edge.amounts(item_id) == ([AMOUNT] if content == {} else [])
    assert expected is not None
    assert [status for status, _, _ in expected][1:] == [200]


@encodings
async def test_pipelined_bids_are_answered_in_order_also_behind_a_refused_one(edge: MemoryEdge, encoding: str) -> None:
    item_id, content_type = await edge.list_item(), f"application/{encoding}"
    bodies = [
        encoded(PlaceBidRequest(item_id=item_id, user_id=new_user(), amount=amount), encoding)
        for amount in (1_000, 500, 2_000)
    ]
    sent = b"".join(post(PLACE_BID, body, content_type) for body in bodies)
    for places in ((), range(1, len(sent))):
        replies = await replies_to(edge.address, [*cut(sent, places), last_request()])
        assert len(replies) == 4
        amounts = [placed_amount(reply) for reply in replies[:3]]
        assert amounts == ([0, 0, 0] if places else [1_000, 0, 2_000])
        assert replies[1].json()["code"] == "failed_precondition"
        assert replies[3].status == 200
    assert edge.amounts(item_id) == [1_000, 2_000]


@encodings
async def test_an_http_1_0_bid_needs_no_host_and_its_connection_is_closed(edge: MemoryEdge, encoding: str) -> None:
    item_id = await edge.list_item()
    body = encoded(PlaceBidRequest(item_id=item_id, user_id=new_user(), amount=AMOUNT), encoding)
    request = post(PLACE_BID, body, f"application/{encoding}", b"connection: keep-alive", version=b"1.0")
    request = request.replace(b"host: localhost\r\n", b"")
    [reply] = await replies_to(edge.address, [request + last_request()])
    assert (placed_amount(reply), reply.headers["connection"]) == (AMOUNT, "close")
    assert edge.amounts(item_id) == [AMOUNT]
    chunks = post_chunked(PLACE_BID, body, f"application/{encoding}").replace(b"HTTP/1.1", b"HTTP/1.0")
    [reply] = await replies_to(edge.address, [chunks + last_request()])
    assert reply.status == 400


@encodings
async def test_a_bid_that_waits_for_100_continue_gets_it_before_its_body_is_sent(
    edge: MemoryEdge, encoding: str
) -> None:
    item_id = await edge.list_item()
    body = encoded(PlaceBidRequest(item_id=item_id, user_id=new_user(), amount=AMOUNT), encoding)
    fields = (b"content-length: %d" % len(body), b"expect: 100-continue")
    reader, writer = await asyncio.open_connection(*edge.address)
    writer.write(head(PLACE_BID, f"application/{encoding}", *fields))
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body + last_request())
    assert placed_amount(replies_in(await reader.read())[0]) == AMOUNT
    writer.close()


async def test_a_bid_that_is_refused_by_its_head_is_not_asked_for_its_body() -> None:
    verifier = TokenVerifier(OneKey(public_key_of(SigningKey("a").pem)), issuer=ISSUER, algorithms=("ES256",))
    async with memory_edge(AccessControl(verifier)) as edge:
        request = head(PLACE_BID, "application/json", b"content-length: 5", b"expect: 100-continue")
        [reply, last] = await replies_to(edge.address, [request, b"hello", last_request()])
        assert (reply.status, reply.json()["code"], last.status) == (401, "unauthenticated", 200)


@pytest.mark.parametrize(("path", "status"), [(PAGE, 200), (PLACE_BID, 405), ("/none", 404)])
async def test_the_answer_to_head_has_no_body_and_the_next_request_is_answered(
    edge: MemoryEdge, path: str, status: int
) -> None:
    reader, writer = await asyncio.open_connection(*edge.address)
    writer.write(b"HEAD %b HTTP/1.1\r\nhost: gavel\r\n\r\n" % path.encode() + last_request())
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\ncontent-length: " in answer
    [last] = replies_in(await reader.read())
    assert (last.status, json.loads(last.body)["status"]) == (200, "alive")
    writer.close()


@encodings
async def test_a_client_that_closes_its_half_gets_the_answers_to_the_bids_that_it_has_sent(
    edge: MemoryEdge, encoding: str
) -> None:
    item_id, content_type = await edge.list_item(), f"application/{encoding}"
    requests = [
        post(
            PLACE_BID,
            encoded(PlaceBidRequest(item_id=item_id, user_id=new_user(), amount=amount), encoding),
            content_type,
        )
        for amount in (1_000, 2_000)
    ]
    replies = await replies_to(edge.address, [b"".join(requests)], half_close=True)
    assert [placed_amount(reply) for reply in replies] == [1_000, 2_000]


@targets
async def test_a_client_that_closes_its_half_inside_of_a_request_gets_no_success(edge: MemoryEdge, target: str) -> None:
    requests = Requests(edge, target, new_user())
    request, item_id = await requests.framed(ACCEPTED["a length"])
    for place in range(1, len(request)):
        replies = await replies_to(edge.address, [request[:place]], half_close=True)
        assert [reply.status for reply in replies if reply.status < 400] == [], place
    assert edge.amounts(item_id) == []
