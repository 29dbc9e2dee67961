"""CORS on raw sockets: the pages of listed origins can read every reply, whichever part of the server writes it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest
from connectrpc.errors import ConnectError

from gavel.runtime.http.access_control import AccessControl, Limits
from gavel.runtime.http.asgi import Receive, Scope, Send
from gavel.runtime.http.calls import Call
from gavel.runtime.http.connect.protocol import error_response
from gavel.runtime.http.exchange import Handler, Response
from gavel.runtime.http.rate_limits import RateLimit
from gavel.runtime.http.request_limits import RequestLimits
from gavel.runtime.http.routes import Page, Pipeline, Routes
from gavel.runtime.http.server import bind, serving
from gavel.runtime.http.streams import Stream, chunk
from tests.http_handlers import AsgiHandler, StreamHandler

pytestmark = pytest.mark.integration

LISTED, ALSO_LISTED, STRANGER = b"https://app.example", b"http://localhost:5173", b"https://evil.example"
PATIENT = RequestLimits(head_bytes_max=1_024, send_seconds_max=60, connections_max=100)
HASTY = replace(PATIENT, send_seconds_max=0.05)
FULL = replace(PATIENT, connections_max=0)
# As browsers order it, but for Origin, which is where it matters what was read before the refusal.
HEAD = b"POST /%b HTTP/1.1\r\nhost: gavel\r\norigin: %b\r\n"
CLOSE = b"connection: close\r\n"
EMPTY = b"content-length: 0\r\n\r\n"

Headers = dict[str, list[str]]


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/fails":
        raise RuntimeError("as no application should")
    await receive()
    status = 404 if scope["path"] == "/none" else 200
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


class Server:
    """Where to connect to."""

    def __init__(self, address: tuple[str, int], stack: AsyncExitStack) -> None:
        self._address, self._stack = address, stack

    async def replies(self, *requests: bytes) -> list[tuple[int, Headers]]:
        """Status and headers of all replies on a connection of its own, until the server closes it.

        Each request is sent when the one before has been answered.
        """
        reader, writer = await asyncio.open_connection(*self._address)
        self._stack.callback(writer.close)
        data, replies = b"", list[tuple[int, Headers]]()
        for request in requests:
            if request is not requests[0]:
                data += await reader.readuntil(b"\r\n\r\n")
            writer.write(request)
        data += await reader.read()
        while data:
            head, _, data = data.partition(b"\r\n\r\n")
            lines = head.decode().splitlines()
            headers: Headers = {}
            for name, value in (line.split(": ", 1) for line in lines[1:]):
                headers.setdefault(name, []).append(value)
            data = data[int(headers.get("content-length", ["0"])[0]) :] if "transfer-encoding" not in headers else b""
            replies.append((int(lines[0].split()[1]), headers))
        return replies

    async def reply(self, request: bytes) -> tuple[int, Headers]:
        """The one reply."""
        (reply,) = await self.replies(request)
        return reply


@asynccontextmanager
async def _serving(
    limits: RequestLimits = PATIENT,
    handler: Handler | None = None,
    origins: tuple[str, ...] = (LISTED.decode(), ALSO_LISTED.decode()),
) -> AsyncGenerator[Server]:
    listener = bind("127.0.0.1", 0)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(
            serving(handler or AsgiHandler(_app), listener, limits=limits, cors_origins=origins)
        )
        yield Server(listener.getsockname(), stack)


def _told_of_origins(headers: Headers) -> Headers:
    return {name: values for name, values in headers.items() if name.startswith("access-control-")}


def _check_readable(headers: Headers, origin: bytes) -> None:
    assert headers["access-control-allow-origin"] == [origin.decode()]
    assert headers["access-control-expose-headers"] == ["retry-after"]
    assert headers["vary"] == ["origin"]
    assert "access-control-allow-credentials" not in headers


EARLY = {
    "a reply": (200, PATIENT, b"x", CLOSE + EMPTY),
    "no such path": (404, PATIENT, b"none", CLOSE + EMPTY),
    "a failure of the application": (500, PATIENT, b"fails", CLOSE + EMPTY),
    "no HTTP": (400, PATIENT, b"x", b"x: y\r\nno field\r\n\r\n"),
    "an ambiguous length": (400, PATIENT, b"x", b"content-length: 1\r\ncontent-length: 2\r\n\r\n"),
    "a bad chunk": (400, PATIENT, b"x", b"transfer-encoding: chunked\r\n\r\nx\r\n"),
    "a slow head": (408, HASTY, b"x", b"x: y\r\n"),
    "a slow body": (408, HASTY, b"x", b"content-length: 5\r\n\r\nhell"),
    "an endless head": (431, PATIENT, b"x", b"x: " + b"y" * PATIENT.head_bytes_max),
    "a head too large": (431, PATIENT, b"x", b"x: " + b"y" * PATIENT.head_bytes_max + b"\r\n" + EMPTY),
    "too many connections": (503, FULL, b"x", EMPTY),
}
early = pytest.mark.parametrize(("status", "limits", "path", "rest"), EARLY.values(), ids=EARLY)


@early
async def test_a_page_of_a_listed_origin_can_read_every_reply(
    status: int, limits: RequestLimits, path: bytes, rest: bytes
) -> None:
    async with _serving(limits) as server:
        for origin in (LISTED, ALSO_LISTED):
            told, headers = await server.reply(HEAD % (path, origin) + rest)
            assert told == status
            _check_readable(headers, origin)


@early
async def test_a_page_of_another_origin_can_read_no_reply_and_no_cache_takes_it_for_anothers(
    status: int, limits: RequestLimits, path: bytes, rest: bytes
) -> None:
    async with _serving(limits) as server:
        for origin in (STRANGER, b"null", b"", LISTED + b".evil.example", LISTED.upper(), LISTED + b", " + ALSO_LISTED):
            told, headers = await server.reply(HEAD % (path, origin) + rest)
            assert (told, _told_of_origins(headers), headers["vary"]) == (status, {}, ["origin"])


@early
async def test_without_listed_origins_no_reply_has_cors_headers(
    status: int, limits: RequestLimits, path: bytes, rest: bytes
) -> None:
    async with _serving(limits, origins=()) as server:
        told, headers = await server.reply(HEAD % (path, LISTED) + rest)
        assert (told, _told_of_origins(headers)) == (status, {})
        assert "vary" not in headers


@pytest.mark.parametrize(
    ("status", "limits", "request_"),
    [
        (400, PATIENT, b"\x16\x03\x01 hello\r\n\r\n"),
        (408, HASTY, b"POST / HTTP/1.1\r\nhost: gavel\r\norigi"),
        (408, HASTY, HEAD % (b"x", LISTED)),
        (431, PATIENT, b"POST / HTTP/1.1\r\nx: " + b"y" * PATIENT.head_bytes_max),
    ],
    ids=["no HTTP", "a slow head", "a head that stops behind its origin", "an endless head"],
)
async def test_a_refusal_before_the_origin_was_read_names_none(
    status: int, limits: RequestLimits, request_: bytes
) -> None:
    async with _serving(limits) as server:
        told, headers = await server.reply(request_)
        assert (told, _told_of_origins(headers), headers["vary"]) == (status, {}, ["origin"])


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01 hello\r\n\r\n", b"\r\n\x16\x03\x01 hello\r\n\r\n"])
async def test_a_refusal_names_no_origin_of_an_earlier_request(garbage: bytes) -> None:
    async with _serving() as server:
        (first, headers), (second, refused) = await server.replies(HEAD % (b"x", LISTED) + EMPTY, garbage)
        assert (first, second) == (200, 400)
        _check_readable(headers, LISTED)
        assert _told_of_origins(refused) == {}


async def test_each_of_several_pipelined_replies_names_the_origin_of_its_own_request() -> None:
    requests = [HEAD % (b"x", origin) + EMPTY for origin in (LISTED, STRANGER, ALSO_LISTED)]
    async with _serving() as server:
        replies = await server.replies(b"".join(requests) + HEAD % (b"x", LISTED) + CLOSE + EMPTY)
    named = [headers.get("access-control-allow-origin") for _, headers in replies]
    assert named == [[LISTED.decode()], None, [ALSO_LISTED.decode()], [LISTED.decode()]]


async def test_a_page_can_read_a_stream() -> None:
    handler = StreamHandler()
    async with _serving(handler=handler) as server:
        reading = asyncio.create_task(server.reply(HEAD % (b"x", LISTED) + EMPTY))
        stream = Stream()
        (await handler.asked()).open_stream(b"", stream)
        stream.finish(chunk(b"event"))
        status, headers = await reading
        assert status == 200
        _check_readable(headers, LISTED)


async def test_a_page_can_read_a_refusal_of_access_control_and_its_retry_after() -> None:
    access_control = AccessControl(limits=Limits(user=RateLimit("user", 0.001, 1)))

    async def as_user(call: Call) -> Response:
        try:
            call.acting_as("a user")
        except ConnectError as error:
            return error_response(error)
        return Response(200, b"")

    handler = Pipeline(Routes({"/x": Page(as_user)}), access_control)
    async with _serving(handler=handler) as server:
        request = HEAD.replace(b"POST", b"GET") % (b"x", LISTED) + CLOSE + EMPTY
        replies = [await server.reply(request) for _ in range(2)]
    assert [status for status, _ in replies] == [200, 429]
    for _, headers in replies:
        _check_readable(headers, LISTED)
    assert int(replies[1][1]["retry-after"][0]) >= 1


# What Connect and gRPC-Web ask to be allowed (connectrpc.com/docs/cors), what this API reads besides, and W3C Trace
# Context and Baggage, which OpenTelemetry's browser instrumentation sends.
ASKED_FOR = {
    "connect": "content-type,connect-protocol-version,connect-timeout-ms,x-user-agent",
    "grpc-web": "content-type,grpc-timeout,x-grpc-web,x-user-agent",
    "gavel": "authorization,idempotency-key,x-request-id",
    "opentelemetry": "traceparent,tracestate,baggage",
}
PREFLIGHT = (
    b"OPTIONS /x HTTP/1.1\r\nhost: gavel\r\norigin: %b\r\naccess-control-request-method: POST\r\n"
    b"access-control-request-headers: %b\r\n"
)


@pytest.mark.parametrize("asked_for", ASKED_FOR.values(), ids=ASKED_FOR)
async def test_a_page_may_send_what_its_libraries_send(asked_for: str) -> None:
    async with _serving() as server:
        status, headers = await server.reply(PREFLIGHT % (LISTED, asked_for.encode()) + CLOSE + b"\r\n")
    assert (status, headers["access-control-allow-origin"]) == (204, [LISTED.decode()])
    assert set(asked_for.split(",")) <= set(headers["access-control-allow-headers"][0].split(", "))
    assert headers["access-control-allow-methods"] == ["GET, POST"]
    assert "content-length" not in headers


@pytest.mark.parametrize("origin", [STRANGER, b"null"])
async def test_the_preflight_of_another_origin_is_the_applications(origin: bytes) -> None:
    async with _serving() as server:
        status, headers = await server.reply(PREFLIGHT % (origin, b"content-type") + CLOSE + b"\r\n")
    assert (status, _told_of_origins(headers), headers["vary"]) == (200, {}, ["origin"])


async def test_a_preflight_is_answered_where_there_are_too_many_connections_so_that_the_refusal_can_be_read() -> None:
    async with _serving(FULL) as server:
        replies = await server.replies(PREFLIGHT % (LISTED, b"content-type") + b"\r\n" + HEAD % (b"x", LISTED) + EMPTY)
    assert [status for status, _ in replies] == [204, 503]
    _check_readable(replies[1][1], LISTED)
