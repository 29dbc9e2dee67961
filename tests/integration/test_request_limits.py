"""Requests on bare sockets: nobody holds anything for long by sending little, much, or nothing."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace

import pytest

from gavel.runtime.http.asgi import Receive, Scope, Send
from gavel.runtime.http.exchange import Exchange, Response
from gavel.runtime.http.request_limits import PIPELINED_REQUESTS_MAX, REQUEST_BYTES_MAX, RequestLimits
from gavel.runtime.http.server import bind, serving
from gavel.runtime.http.streams import Stream, chunk
from tests.http_handlers import AsgiHandler, StreamHandler

pytestmark = pytest.mark.integration

PATIENT = RequestLimits(head_bytes_max=1_024, send_seconds_max=60, connections_max=100)
HASTY = replace(PATIENT, send_seconds_max=0.05)
HEAD = b"POST / HTTP/1.1\r\nhost: gavel\r\n"
WHOLE = HEAD + b"content-length: 5\r\n\r\nhello"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Echo:
    """A server that answers with what it was sent, and how to connect to it."""

    connect: Callable[[], Awaitable[Connection]]


@asynccontextmanager
async def _echo(limits: RequestLimits) -> AsyncGenerator[Echo]:
    listener = bind("127.0.0.1", 0)

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving(AsgiHandler(app), listener, limits=limits))

        async def connect() -> Connection:
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            stack.callback(writer.close)
            return reader, writer

        yield Echo(connect)


async def _reply(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = dict(line.split(": ", 1) for line in lines[1:-1])
    return int(lines[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


async def _is_told_and_cut_off(reader: asyncio.StreamReader, status: int, code: str) -> dict[str, str]:
    told, headers, body = await _reply(reader)
    assert (told, json.loads(body)["code"]) == (status, code)
    assert (headers["connection"], headers["content-type"]) == ("close", "application/json")
    assert await reader.read() == b""
    return headers


@pytest.mark.parametrize("begun", [b"P", HEAD, HEAD + b"x: " + b"y" * 99, b"\r\n"])
async def test_a_head_that_does_not_come_to_its_end_is_answered_408_and_cut_off(begun: bytes) -> None:
    async with _echo(HASTY) as echo:
        reader, writer = await echo.connect()
        writer.write(begun)
        await _is_told_and_cut_off(reader, 408, "deadline_exceeded")


async def test_a_head_that_dribbles_has_no_more_time_than_one_that_stops() -> None:
    async with _echo(replace(HASTY, head_bytes_max=2**30)) as echo:
        reader, writer = await echo.connect()

        async def dribble() -> None:
            while True:
                writer.write(b"x")
                await asyncio.sleep(0)

        dribbling = asyncio.create_task(dribble())
        writer.write(HEAD)
        # What is still on its way when the server closes may cost the client its answer, never the server its close.
        try:
            said = await reader.read()
        except ConnectionError:
            said = b""
        dribbling.cancel()
        assert said.split(b" ")[:2] in ([b""], [b"HTTP/1.1", b"408"])


async def test_a_body_that_does_not_come_to_its_end_is_answered_408_and_reaches_no_handler() -> None:
    listener, handler = bind("127.0.0.1", 0), StreamHandler()
    async with serving(handler, listener, limits=HASTY):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(HEAD + b"content-length: 5\r\n\r\nhell")
        await _is_told_and_cut_off(reader, 408, "deadline_exceeded")
        writer.close()
    assert handler.paths == []


async def test_the_next_request_on_a_connection_has_its_own_time() -> None:
    async with _echo(HASTY) as echo:
        reader, writer = await echo.connect()
        for _ in range(3):
            writer.write(WHOLE[:-3])
            await writer.drain()
            writer.write(WHOLE[-3:])
            assert (await _reply(reader))[2] == b"hello"
        writer.write(HEAD)
        await _is_told_and_cut_off(reader, 408, "deadline_exceeded")


async def test_a_connection_that_has_sent_all_it_began_may_idle() -> None:
    async with _echo(HASTY) as echo:
        reader, writer = await echo.connect()
        writer.write(WHOLE)
        assert (await _reply(reader))[0] == 200
        late_reader, late_writer = await echo.connect()
        late_writer.write(HEAD)
        await _is_told_and_cut_off(late_reader, 408, "deadline_exceeded")
        writer.write(WHOLE)
        assert (await _reply(reader))[0] == 200


async def test_a_connection_that_is_not_used_is_closed_and_one_that_is_used_is_kept() -> None:
    async with _echo(replace(PATIENT, keep_alive_seconds=0.2)) as echo:
        (used_reader, used), (idle_reader, idle) = await echo.connect(), await echo.connect()
        idle.write(WHOLE)
        assert (await _reply(idle_reader))[0] == 200
        closed = asyncio.create_task(idle_reader.read())
        while not closed.done():
            used.write(WHOLE)
            assert (await _reply(used_reader))[0] == 200
            await asyncio.sleep(0.01)
        assert await closed == b""
        used.write(WHOLE)
        assert (await _reply(used_reader))[0] == 200


@pytest.mark.parametrize("ending", [b"", b"\r\n\r\n"], ids=["endless", "whole"])
async def test_a_head_above_the_bound_is_answered_431_and_cut_off(ending: bytes) -> None:
    async with _echo(PATIENT) as echo:
        reader, writer = await echo.connect()
        writer.write(HEAD + b"x: " + b"y" * PATIENT.head_bytes_max + ending)
        await _is_told_and_cut_off(reader, 431, "resource_exhausted")


async def test_what_bounds_heads_bounds_neither_bodies_nor_requests_sent_without_waiting() -> None:
    async with _echo(PATIENT) as echo:
        reader, writer = await echo.connect()
        body = b"z" * 3 * PATIENT.head_bytes_max
        writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body)
        assert (await _reply(reader))[2] == body
        many = 2 * PATIENT.head_bytes_max // len(WHOLE)
        writer.write(WHOLE * many)
        assert [(await _reply(reader))[0] for _ in range(many)] == [200] * many


async def test_one_connection_too_many_gets_retry_after_and_is_served_when_another_has_gone() -> None:
    async with _echo(replace(PATIENT, connections_max=2)) as echo:
        kept = [await echo.connect() for _ in range(2)]
        for reader, writer in kept:
            writer.write(WHOLE)
            assert (await _reply(reader))[0] == 200
        reader, writer = await echo.connect()
        writer.write(HEAD + b"content-length: 0\r\n\r\n")
        headers = await _is_told_and_cut_off(reader, 503, "unavailable")
        assert int(headers["retry-after"]) >= 1
        kept[0][1].write(WHOLE.replace(b"host", b"connection: close\r\nhost"))
        assert (await _reply(kept[0][0]))[0] == 200
        assert await kept[0][0].read() == b""
        reader, writer = await echo.connect()
        writer.write(WHOLE)
        assert (await _reply(reader))[0] == 200


async def test_what_is_no_http_is_answered_400_in_the_form_of_every_error() -> None:
    async with _echo(PATIENT) as echo:
        reader, writer = await echo.connect()
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        headers = await _is_told_and_cut_off(reader, 400, "invalid_argument")
        assert headers["x-content-type-options"] == "nosniff"


async def test_a_stream_outlives_the_time_to_send_a_request() -> None:
    listener, stream, handler = bind("127.0.0.1", 0), Stream(), StreamHandler()
    async with serving(handler, listener, limits=HASTY):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(WHOLE[:-3])
        await writer.drain()
        writer.write(WHOLE[-3:])
        (await handler.asked()).open_stream(b"", stream)
        late_reader, late_writer = await asyncio.open_connection(*listener.getsockname())
        late_writer.write(HEAD)
        await _is_told_and_cut_off(late_reader, 408, "deadline_exceeded")
        stream.finish(chunk(b"still here"))
        assert (await reader.read()).endswith(b"\r\n\r\na\r\nstill here\r\n0\r\n\r\n")
        writer.close()
        late_writer.close()


async def test_a_reply_that_is_not_read_in_time_costs_its_client_the_connection() -> None:
    listener, handler = bind("127.0.0.1", 0), StreamHandler()
    async with serving(handler, listener, limits=replace(PATIENT, read_seconds_max=0.05)):
        _, writer = await asyncio.open_connection(*listener.getsockname(), limit=1)
        lost = asyncio.Event()
        writer.write(WHOLE)
        exchange = await handler.asked()
        exchange.on_lost = lost.set
        exchange.begin(200, b"")
        # More than the kernel takes: the rest waits in this process.
        exchange.write(b"x" * 2**24)
        await lost.wait()
        assert exchange.is_lost
        writer.close()


async def test_a_client_that_reads_nothing_is_not_read_and_its_replies_stay_bounded() -> None:
    listener, handler = bind("127.0.0.1", 0), StreamHandler()
    body = b"x" * 2**20
    async with serving(handler, listener, limits=replace(PATIENT, read_seconds_max=60)):
        sock = socket.create_connection(listener.getsockname())
        sock.setblocking(False)
        answered = 0
        with suppress(TimeoutError):
            while answered < 100:
                with suppress(BlockingIOError):
                    sock.send(WHOLE)
                async with asyncio.timeout(0.5):
                    exchange = await handler.asked()
                exchange.respond(Response(200, b"", body))
                answered += 1
        # What the kernel takes, and one reply in this process.
        assert 0 < answered < 50
        sock.close()


async def test_requests_that_wait_on_one_connection_are_bounded() -> None:
    listener, handler = bind("127.0.0.1", 0), StreamHandler()
    async with serving(handler, listener, limits=PATIENT):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(WHOLE * (PIPELINED_REQUESTS_MAX + 3))
        for _ in range(PIPELINED_REQUESTS_MAX + 2):
            (await handler.asked()).respond(Response(200, b"content-length: 0\r\n"))
        statuses = [(await _reply(reader))[0] for _ in range(PIPELINED_REQUESTS_MAX + 2)]
        assert statuses == [200] * (PIPELINED_REQUESTS_MAX + 2)
        await _is_told_and_cut_off(reader, 429, "resource_exhausted")
        writer.close()


async def test_what_a_handler_raises_is_logged_and_costs_the_connection(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(StreamHandler):
        def answer(self, exchange: Exchange) -> None:
            raise RuntimeError("as no handler should")

    listener = bind("127.0.0.1", 0)
    async with serving(Broken(), listener, limits=PATIENT):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(WHOLE)
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
    output = capsys.readouterr()
    assert "unexpected_error" in output.out + output.err
    assert "as no handler should" in output.out + output.err


@pytest.mark.parametrize("target", [b"http://", b"http:///", b"http://a:99999/", b"http://[::1", b"http://a:b/"])
async def test_a_target_that_is_no_url_is_refused(target: bytes) -> None:
    async with _echo(PATIENT) as echo:
        reader, writer = await echo.connect()
        writer.write(WHOLE.replace(b"POST /", b"POST " + target))
        await _is_told_and_cut_off(reader, 400, "invalid_argument")


@pytest.mark.parametrize("framed", [b"content-length: %d\r\n\r\n", b"transfer-encoding: chunked\r\n\r\n%x\r\n"])
async def test_a_body_above_the_bound_is_refused_and_never_kept(framed: bytes) -> None:
    listener, handler = bind("127.0.0.1", 0), StreamHandler()
    async with serving(handler, listener, limits=PATIENT):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        too_many = REQUEST_BYTES_MAX + 1
        writer.write(HEAD + framed % too_many + b"x" * too_many)
        await _is_told_and_cut_off(reader, 429, "resource_exhausted")
        writer.close()
    assert handler.paths == []


async def test_every_answer_forbids_sniffing_and_caching_unless_its_own_headers_allow_it() -> None:
    own: list[tuple[bytes, bytes]] = [(b"content-length", b"0")]

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": own})
        await send({"type": "http.response.body", "body": b""})

    listener = bind("127.0.0.1", 0)
    async with serving(AsgiHandler(app), listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(WHOLE)
        _, headers, _ = await _reply(reader)
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
        own += [(b"cache-control", b"no-cache"), (b"x-content-type-options", b"nosniff")]
        writer.write(WHOLE)
        head = await reader.readuntil(b"\r\n\r\n")
        assert (head.count(b"cache-control: "), head.count(b"nosniff"), head.count(b"no-store")) == (1, 1, 0)
        writer.close()
