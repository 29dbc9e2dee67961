"""Request framing on raw sockets: where a request ends does not depend on packets or on Upgrade."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gavel.runtime.http.asgi import Receive, Scope, Send
from gavel.runtime.http.exchange import Response
from gavel.runtime.http.request_limits import HEAD_BYTES_MAX
from gavel.runtime.http.server import bind, serving
from gavel.runtime.http.streams import Stream, chunk
from tests.http_handlers import AsgiHandler, StreamHandler

pytestmark = pytest.mark.integration

# A body that would do harm as a request of its own.
BODY = b"GET /smuggled HTTP/1.1\r\nhost: gavel\r\n\r\n"
HEAD = b"POST /first HTTP/1.1\r\nhost: gavel\r\n"
LAST = b"GET /last HTTP/1.1\r\nhost: gavel\r\nconnection: close\r\n\r\n"
WHOLE = HEAD + b"content-length: 5\r\n\r\nhello"
FRAMED = {
    "length": b"content-length: %d\r\n\r\n" % len(BODY) + BODY,
    "chunked": b"transfer-encoding: chunked\r\n\r\n7\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n"
    % (BODY[:7], len(BODY) - 7, BODY[7:]),
    "none": b"\r\n",
}
# As the JDK's HttpClient and Ktor send it by default.
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA\r\n"
UPGRADES = {
    "h2c": H2C,
    "websocket": b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
    "tls": b"Upgrade: TLS/1.0\r\nConnection: upgrade\r\n",
    "list": b"Upgrade: h2c, websocket\r\nConnection: keep-alive, upgrade\r\n",
    "twice": b"Upgrade: h2c\r\nConnection: upgrade\r\nUpgrade: websocket\r\nConnection: upgrade\r\n",
    "odd case": b"uPGRADE: H2C\r\ncONNECTION: uPGRADE\r\n",
    "empty": b"Upgrade:\r\nConnection: upgrade\r\n",
}
upgrade = pytest.mark.parametrize("offer", UPGRADES.values(), ids=UPGRADES)
framing = pytest.mark.parametrize("framed", FRAMED.values(), ids=FRAMED)


@dataclass
class Recorder:
    """A server that echoes bodies and records the requests that were complete."""

    address: tuple[str, int]
    requests: list[tuple[str, str, bytes]] = field(default_factory=list[tuple[str, str, bytes]])
    headers: list[dict[bytes, bytes]] = field(default_factory=list[dict[bytes, bytes]])

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application."""
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        else:
            return
        self.requests.append((scope["method"], scope["path"], body))
        self.headers.append(dict(scope["headers"]))
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def replies(self, pieces: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """Status and body of each reply, until the server closes. Each piece is read before the next is sent."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            for piece in pieces:
                writer.write(piece)
                # The server is on this loop: these are its turns to read.
                for _ in range(3):
                    await asyncio.sleep(0)
            return _replies_in(await reader.read())
        finally:
            writer.close()


def _replies_in(data: bytes) -> list[tuple[int, bytes]]:
    replies: list[tuple[int, bytes]] = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.decode().splitlines()
        headers = dict(line.split(": ", 1) for line in lines[1:])
        length = int(headers.get("content-length", 0))
        replies.append((int(lines[0].split()[1]), rest[:length]))
        data = rest[length:]
    return replies


@asynccontextmanager
async def _recorder() -> AsyncGenerator[Recorder]:
    listener = bind("127.0.0.1", 0)
    recorder = Recorder(listener.getsockname())
    async with serving(AsgiHandler(recorder.app), listener):
        yield recorder


def _cut(data: bytes, *places: int) -> list[bytes]:
    return [data[begin:end] for begin, end in zip((0, *places), (*places, len(data)), strict=True)]


@upgrade
@framing
async def test_a_request_that_offers_an_upgrade_is_read_by_its_own_length(offer: bytes, framed: bytes) -> None:
    body = b"" if framed == FRAMED["none"] else BODY
    request = HEAD + offer + framed
    async with _recorder() as server:
        for pieces in ([request + LAST], [request, LAST], [*_cut(request, len(request) - len(framed)), LAST]):
            assert await server.replies(pieces) == [(200, body), (200, b"")]
            assert server.requests == [("POST", "/first", body), ("GET", "/last", b"")]
            server.requests.clear()


@pytest.mark.parametrize("framed", [FRAMED["length"], FRAMED["chunked"]], ids=["length", "chunked"])
async def test_an_upgrade_is_ignored_wherever_the_packets_are_cut(framed: bytes) -> None:
    request = HEAD + H2C + framed
    async with _recorder() as server:
        for place in range(1, len(request)):
            assert await server.replies([*_cut(request, place), LAST]) == [(200, BODY), (200, b"")], place
        assert await server.replies([*_cut(request, *range(1, len(request))), LAST]) == [(200, BODY), (200, b"")]
        assert server.requests == [("POST", "/first", BODY), ("GET", "/last", b"")] * len(request)


async def test_pipelined_requests_that_offer_an_upgrade_are_answered_in_order() -> None:
    requests = [HEAD + H2C + FRAMED["length"], WHOLE, HEAD + H2C + FRAMED["chunked"], HEAD + H2C + FRAMED["none"]]
    async with _recorder() as server:
        replies = await server.replies([b"".join(requests) * 2 + LAST])
    assert replies == [(200, BODY), (200, b"hello"), (200, BODY), (200, b"")] * 2 + [(200, b"")]


async def test_a_client_that_offers_an_upgrade_and_waits_for_100_continue_gets_it() -> None:
    head, body = HEAD + H2C + b"expect: 100-continue\r\ncontent-length: 5\r\n\r\n", b"hello"
    async with _recorder() as server:
        assert await server.replies([head, body, LAST]) == [(100, b""), (200, body), (200, b"")]


async def test_an_upgrade_is_ignored_in_http_1_0_too() -> None:
    request = HEAD.replace(b"1.1", b"1.0") + H2C + FRAMED["length"]
    async with _recorder() as server:
        assert await server.replies([request]) == [(200, BODY)]


async def test_an_upgrade_in_a_trailer_is_ignored() -> None:
    trailers = b"upgrade: h2c\r\nconnection: upgrade\r\n"
    request = HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n%b\r\n" % trailers
    async with _recorder() as server:
        assert await server.replies([request + LAST]) == [(200, b"hello"), (200, b"")]


@pytest.mark.parametrize("target", [b"gavel:80", b"gavel"])
async def test_connect_is_refused_with_all_that_follows(target: bytes) -> None:
    request = b"CONNECT %b HTTP/1.1\r\nhost: gavel\r\n\r\n" % target
    async with _recorder() as server:
        for pieces in ([request + BODY], _cut(request + BODY, 5)):
            assert [status for status, _ in await server.replies(pieces)] == [400]
    assert server.requests == []


async def test_a_trailer_field_is_no_header() -> None:
    trailers = b"authorization: Bearer forged\r\nexpect: 100-continue\r\n"
    request = HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n%b\r\n" % trailers
    async with _recorder() as server:
        assert await server.replies([request + LAST]) == [(200, b"hello"), (200, b"")]
    assert server.headers[0].keys() == {b"host", b"transfer-encoding"}


async def test_white_space_around_a_value_is_no_part_of_it() -> None:
    async with _recorder() as server:
        assert (
            await server.replies([HEAD + b"idempotency-key:  k \t\r\ncontent-length: 0\r\n\r\n" + LAST])
            == [(200, b"")] * 2
        )
    assert server.headers[0][b"idempotency-key"] == b"k"


@pytest.mark.parametrize("endless", [b"0\r\nx: ", b"5;x="], ids=["trailer", "chunk extension"])
async def test_trailers_and_chunk_extensions_are_bounded_as_a_head_is(endless: bytes) -> None:
    request = HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n" + endless
    async with _recorder() as server:
        assert [status for status, _ in await server.replies([request, b"y" * (HEAD_BYTES_MAX + 1)])] == [431]
    assert server.requests == []


AMBIGUOUS = {
    "lengths that differ": b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    "lengths that do not": b"content-length: 5\r\ncontent-length: 5\r\n\r\nhello",
    "a list of lengths": b"content-length: 5, 5\r\n\r\nhello",
    "a signed length": b"content-length: +5\r\n\r\nhello",
    "no length": b"content-length: \r\n\r\nhello",
    "a hexadecimal length": b"content-length: 0x5\r\n\r\nhello",
    "two numbers": b"content-length: 5 5\r\n\r\nhello",
    "a space before the colon": b"content-length : 5\r\n\r\nhello",
    "length, then chunks": b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks, then length": b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
    "chunked before the last": b"transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "not quite chunked": b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "identity": b"transfer-encoding: identity\r\n\r\nhello",
    "no encoding": b"transfer-encoding:\r\n\r\n0\r\n\r\n",
    "a bare LF": b"x: y\ncontent-length: 5\r\n\r\nhello",
    "a bare CR": b"x: y\rcontent-length: 5\r\n\r\nhello",
    "a head that ends in LF": b"content-length: 5\r\n\nhello",
    "a NUL": b"x: \0\r\ncontent-length: 5\r\n\r\nhello",
    "a folded line": b"x: y\r\n content-length: 5\r\n\r\nhello",
    "a folded encoding": b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "no colon": b"x\r\ncontent-length: 5\r\n\r\nhello",
    "a chunk without a number": b"transfer-encoding: chunked\r\n\r\nx\r\n\r\n0\r\n\r\n",
    "a chunk that ends in LF": b"transfer-encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
    "a chunk longer than it says": b"transfer-encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
    "a chunk of 2**64": b"transfer-encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a length in a trailer": b"transfer-encoding: chunked\r\n\r\n0\r\ncontent-length: 5\r\n\r\n",
}
ambiguous = pytest.mark.parametrize("framed", AMBIGUOUS.values(), ids=AMBIGUOUS)


@ambiguous
@pytest.mark.parametrize("offer", [b"", H2C], ids=["plain", "upgrade"])
async def test_a_request_with_ambiguous_framing_is_refused_with_all_that_follows(framed: bytes, offer: bytes) -> None:
    async with _recorder() as server:
        request = HEAD + offer + framed + LAST
        for pieces in ([request], _cut(request, len(HEAD + offer) + 5)):
            assert [status for status, _ in await server.replies(pieces)] == [400]
    assert server.requests == []


@pytest.mark.parametrize(
    "refused",
    [
        HEAD + b"transfer-encoding: chunked\r\n\r\nx\r\n",
        b"GET gavel HTTP/1.1\r\nhost: gavel\r\n\r\n",
        b"CONNECT gavel HTTP/1.1\r\nhost: gavel\r\n\r\n",
        HEAD + H2C + b"transfer-encoding: chunked\r\n\r\nx\r\n",
    ],
    ids=["chunk", "target", "connect", "chunk of an upgrade"],
)
async def test_a_refusal_follows_the_answer_to_the_request_before(refused: bytes) -> None:
    async with _recorder() as server:
        replies = await server.replies([WHOLE + WHOLE + refused + LAST])
    assert [status for status, _ in replies] == [200, 200, 400]
    assert [body for _, body in replies[:2]] == [b"hello"] * 2


async def test_the_absolute_form_of_a_target_is_that_of_its_path() -> None:
    request = WHOLE.replace(b"POST /first", b"POST http://gavel:80/first?x=1")
    async with _recorder() as server:
        assert await server.replies([request + LAST]) == [(200, b"hello"), (200, b"")]
    assert server.requests[0] == ("POST", "/first", b"hello")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a, b\r\n\r\n",
        b"POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=["no host", "two hosts", "two hosts in 1.0", "a list of hosts", "chunked in 1.0"],
)
async def test_a_head_that_no_server_may_serve_is_refused_with_all_that_follows(head: bytes) -> None:
    async with _recorder() as server:
        assert [status for status, _ in await server.replies([head + LAST])] == [400]
    assert server.requests == []


async def test_what_follows_a_refused_head_in_its_packet_is_not_refused_again() -> None:
    problems: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context["message"]))
    async with _recorder() as server:
        assert [status for status, _ in await server.replies([b"GET / HTTP/1.1\r\n\r\n\0\r\n\r\n"])] == [400]
    assert problems == []


async def test_http_1_0_needs_no_host_and_is_answered_once() -> None:
    async with _recorder() as server:
        assert await server.replies([b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n" + LAST]) == [(200, b"")]


@pytest.mark.parametrize("version", [b"2.0", b"3.0", b"1.2", b"0.9"])
async def test_other_versions_of_http_are_refused(version: bytes) -> None:
    async with _recorder() as server:
        [(status, _)] = await server.replies([b"GET / HTTP/%b\r\nhost: gavel\r\n\r\n" % version + LAST])
    assert status in (400, 505)
    assert server.requests == []


async def test_the_answer_to_head_has_the_length_of_a_body_and_no_body() -> None:
    async with _recorder() as server:
        reader, writer = await asyncio.open_connection(*server.address)
        writer.write(WHOLE.replace(b"POST", b"HEAD") + LAST)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"\r\ncontent-length: 5\r\n" in head
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_client_that_closes_its_half_gets_the_answers_to_what_it_has_sent() -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        asked.set()
        await answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    listener = bind("127.0.0.1", 0)
    async with serving(AsgiHandler(app), listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(WHOLE * 2)
        writer.write_eof()
        await asked.wait()
        answer.set()
        said = await reader.read()
        writer.close()
    assert [status for status, _ in _replies_in(said)] == [200, 200]


async def test_a_request_pipelined_behind_a_stream_is_never_run_and_does_not_end_the_stream() -> None:
    listener, stream, handler = bind("127.0.0.1", 0), Stream(), StreamHandler()
    async with serving(handler, listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(WHOLE + LAST)
        exchange = await handler.asked()
        exchange.open_stream(b"", stream)
        stream.finish(chunk(b"still here"))
        assert (await reader.read()).endswith(b"\r\n\r\na\r\nstill here\r\n0\r\n\r\n")
        writer.close()
    assert handler.paths == ["/first"]


@pytest.mark.parametrize("expect", [b"", b"expect: 100-continue\r\n"], ids=["plain", "waits for 100"])
async def test_a_request_whose_head_came_during_another_and_whose_body_comes_after_it_is_answered(
    expect: bytes,
) -> None:
    listener, handler = bind("127.0.0.1", 0), StreamHandler()
    async with serving(handler, listener), asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(WHOLE + HEAD + expect + b"content-length: 5\r\n\r\nhe")
        first = await handler.asked()
        first.respond(Response(200, b"", b"first"))
        await reader.readuntil(b"first")
        if expect:
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"llo" + LAST)
        second = await handler.asked()
        assert second.body == b"hello"
        second.respond(Response(200, b"", b"second"))
        (await handler.asked()).respond(Response(200, b"", b"third"))
        assert [body for _, body in _replies_in(await reader.read())] == [b"second", b"third"]
        writer.close()
