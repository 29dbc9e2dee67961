"""Who comes new is let in although the event loop is slow: several in each of its turns."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import uvloop

from gavel.runtime.http.connection import HttpConnection
from gavel.runtime.http.server import ACCEPTS_AT_ONCE, serving
from tests.http_handlers import StreamHandler

pytestmark = pytest.mark.integration

CONNECTIONS = 4 * ACCEPTS_AT_ONCE


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_of_many_who_come_at_one_moment_several_are_let_in_in_each_turn_of_the_loop(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[asyncio.BaseTransport] = []

    connection_made = HttpConnection.connection_made

    def counted(self: HttpConnection, transport: asyncio.BaseTransport) -> None:
        connection_made(self, transport)
        made.append(transport)

    async def turns() -> int:
        """How many turns of the loop it takes until all are in."""
        async with serving(StreamHandler(), listener):
            with ExitStack() as stack:
                # The kernel takes them all; the loop stands still meanwhile.
                for _ in range(CONNECTIONS):
                    stack.enter_context(socket.create_connection(listener.getsockname()))
                count = 0
                while len(made) < CONNECTIONS:
                    await asyncio.sleep(0)
                    count += 1
            return count

    monkeypatch.setattr(HttpConnection, "connection_made", counted)
    assert uvloop.run(turns()) < CONNECTIONS / 2
