"""A server that stops: who is connected is answered once more, told to come elsewhere, and cut off by nobody."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from gavel.runtime.http.asgi import Receive, Scope, Send
from gavel.runtime.http.server import bind, serving
from tests.http_handlers import AsgiHandler

pytestmark = pytest.mark.integration

REQUEST = b"POST / HTTP/1.1\r\nhost: gavel\r\ncontent-length: 5\r\n\r\nhello"


class Stopping:
    """A server on a port of its own, whose answers wait until `answer` is set, and its way to stop."""

    def __init__(self) -> None:
        self.asked, self.answer, self.has_begun = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.answer.set()
        self._listener = bind("127.0.0.1", 0)
        self.address: tuple[str, int] = self._listener.getsockname()
        self._serving = AsyncExitStack()

    async def start(self) -> None:
        """Take connections."""

        async def app(_scope: Scope, receive: Receive, send: Send) -> None:
            body = (await receive())["body"]
            self.asked.set()
            await self.answer.wait()
            length = str(len(body)).encode()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
            await send({"type": "http.response.body", "body": body})

        await self._serving.enter_async_context(serving(AsgiHandler(app), self._listener, self.has_begun.set))

    async def stop(self) -> "asyncio.Task[None]":
        """Begin to stop; the rest of it."""
        rest = asyncio.create_task(self._serving.aclose())
        await self.has_begun.wait()
        return rest


class Caller:
    """A kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    def ask(self) -> None:
        """Send a request."""
        self.writer.write(REQUEST)

    async def is_answered(self) -> bool:
        """Read the answer: whether the server keeps the connection."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200 ")
        assert await self._reader.readexactly(5) == b"hello"
        return b"connection: close" not in head

    async def is_closed(self) -> None:
        """Return when the server has closed in good order."""
        assert await self._reader.read() == b""


@pytest.fixture
def server() -> Stopping:
    """What is about to stop."""
    return Stopping()


async def _caller(server: Stopping) -> Caller:
    return Caller(*await asyncio.open_connection(*server.address))


async def test_a_request_on_a_kept_connection_while_the_server_stops_is_answered_and_its_connection_closed(
    server: Stopping,
) -> None:
    await server.start()
    kept = await _caller(server)
    kept.ask()
    assert await kept.is_answered()
    rest = await server.stop()
    kept.ask()
    assert not await kept.is_answered()
    await kept.is_closed()
    kept.writer.close()
    await rest


async def test_who_connected_before_the_stop_and_asks_first_after_it_is_answered(server: Stopping) -> None:
    await server.start()
    kept, new = await _caller(server), await _caller(server)
    kept.ask()
    assert await kept.is_answered()
    rest = await server.stop()
    new.ask()
    assert not await new.is_answered()
    await new.is_closed()
    kept.writer.close()
    new.writer.close()
    await rest


async def test_an_answer_that_is_under_way_at_the_stop_is_the_last_of_its_connection(server: Stopping) -> None:
    await server.start()
    server.answer.clear()
    kept = await _caller(server)
    kept.ask()
    await server.asked.wait()
    rest = await server.stop()
    server.answer.set()
    assert not await kept.is_answered()
    await kept.is_closed()
    kept.writer.close()
    await rest


async def test_who_asks_for_nothing_is_let_go_of_and_holds_up_no_stop(server: Stopping) -> None:
    await server.start()
    idle = await _caller(server)
    idle.ask()
    assert await idle.is_answered()
    await (await server.stop())
    await idle.is_closed()
    idle.writer.close()
    with pytest.raises(ConnectionRefusedError):
        await _caller(server)
