"""Head and body of a response leave in one piece, and nothing waits for a body that does not come."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from gavel.runtime.http.detached_streams import rest
from gavel.runtime.http.server import Asgi, Receive, Scope, Send, bind, serving

pytestmark = pytest.mark.integration

REQUEST = b"POST / HTTP/1.1\r\nhost: gavel\r\ncontent-length: 0\r\n\r\n"
HEADERS = [(b"content-length", b"5")]
STREAM_HEADERS = [(b"transfer-encoding", b"chunked")]


@asynccontextmanager
async def _connected(app: Asgi) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    listener = bind("127.0.0.1", 0)
    async with serving(app, listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()


async def _hello(_scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"hello"})


async def test_head_and_body_of_each_response_arrive_as_one_piece() -> None:
    async with _connected(_hello) as (reader, writer):
        for _ in range(3):
            writer.write(REQUEST)
            # What one write of the server sent is there at once: a second write would come as a piece of its own.
            piece = await reader.read(4096)
            assert piece.startswith(b"HTTP/1.1 200")
            assert piece.endswith(b"\r\n\r\nhello")


async def test_requests_sent_without_waiting_are_answered_in_order() -> None:
    async with _connected(_hello) as (reader, writer):
        writer.write(REQUEST * 3)
        for _ in range(3):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(5) == b"hello"


async def test_a_head_without_a_body_yet_is_not_held_back() -> None:
    body_wanted = asyncio.Event()

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
        await body_wanted.wait()
        await send({"type": "http.response.body", "body": b"hello"})

    async with _connected(app) as (reader, writer):
        writer.write(REQUEST)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        body_wanted.set()
        assert await reader.readuntil(b"0\r\n\r\n") == b"5\r\nhello\r\n0\r\n\r\n"


async def test_a_response_that_closes_the_connection_is_sent_before() -> None:
    async with _connected(_hello) as (reader, writer):
        writer.write(REQUEST.replace(b"host", b"connection: close\r\nhost"))
        assert (await reader.read()).endswith(b"\r\n\r\nhello")


async def test_a_connection_that_rests_is_not_read_and_then_goes_on() -> None:
    taken: list[asyncio.Transport] = []
    read_at_rest: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        connection = scope["state"]["gavel.connection"]()
        taken.append(connection.transport)
        await _hello(scope, receive, send)
        if len(taken) == 1:
            rest(scope, 0.05)
            read_at_rest.append(connection.transport.is_reading())

    async with _connected(app) as (reader, writer):
        writer.write(REQUEST)
        assert (await reader.read(4096)).endswith(b"hello")
        writer.write(REQUEST)
        assert (await reader.read(4096)).endswith(b"hello")
        assert (read_at_rest, len(taken)) == ([False], 2)
        assert taken[0].is_reading()


async def test_a_connection_that_is_closed_while_it_rests_is_left_alone() -> None:
    rested = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await _hello(scope, receive, send)
        rest(scope, 0.01)
        scope["state"]["gavel.connection"]().transport.close()
        asyncio.get_running_loop().call_later(0.02, rested.set)

    async with _connected(app) as (reader, writer):
        writer.write(REQUEST)
        assert (await reader.read()).endswith(b"hello")
        await rested.wait()
