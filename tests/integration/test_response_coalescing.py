"""Head and body of a response leave in one piece, and nothing waits for a body that does not come."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from gavel.runtime.http.asgi import Asgi, Receive, Scope, Send
from gavel.runtime.http.exchange import Response
from gavel.runtime.http.server import bind, serving
from tests.http_handlers import AsgiHandler, StreamHandler

pytestmark = pytest.mark.integration

REQUEST = b"POST / HTTP/1.1\r\nhost: gavel\r\ncontent-length: 0\r\n\r\n"
HEADERS = [(b"content-length", b"5")]


@asynccontextmanager
async def _connected(app: Asgi) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    listener = bind("127.0.0.1", 0)
    async with serving(AsgiHandler(app), listener):
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


async def test_a_response_that_closes_the_connection_is_sent_before() -> None:
    async with _connected(_hello) as (reader, writer):
        writer.write(REQUEST.replace(b"host", b"connection: close\r\nhost"))
        assert (await reader.read()).endswith(b"\r\n\r\nhello")


async def test_a_connection_that_is_paused_is_not_read_and_then_goes_on() -> None:
    listener, handler = bind("127.0.0.1", 0), StreamHandler()
    async with serving(handler, listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(REQUEST)
        exchange = await handler.asked()
        exchange.respond(Response(200, b"", b"hello"))
        exchange.pause_reading(0.05)
        began_seconds = asyncio.get_running_loop().time()
        writer.write(REQUEST)
        (await handler.asked()).respond(Response(200, b"", b"hello"))
        assert asyncio.get_running_loop().time() - began_seconds >= 0.04
        assert (await reader.readuntil(b"\r\n\r\nhello")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_connection_that_is_closed_while_it_is_paused_is_left_alone() -> None:
    listener, handler = bind("127.0.0.1", 0), StreamHandler()
    async with serving(handler, listener):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(REQUEST)
        exchange = await handler.asked()
        exchange.respond(Response(200, b"", b"hello"), close=True)
        exchange.pause_reading(0.01)
        assert (await reader.read()).endswith(b"hello")
        ended = asyncio.Event()
        asyncio.get_running_loop().call_later(0.02, ended.set)
        await ended.wait()
        writer.close()
