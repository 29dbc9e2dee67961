"""Responses that leave in one piece: uvicorn writes head and body apart, and each write wakes the client.

The head is held back until the body comes, at the latest until the event loop's next turn. On the bid path that saves a
system call and a packet of each answer, about a tenth of its CPU.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD = b"HTTP/"


class WholeResponses(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, with the head of a response and its first body written together.

    Whoever takes the connection over in the middle of a response calls `flush` first.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._responses = _HeldHead(transport, self.loop)

    def on_headers_complete(self) -> None:
        """Let the response to this request be written by way of the one who holds heads back."""
        super().on_headers_complete()
        self.cycle.transport = cast("Any", self._responses)

    def flush(self) -> None:
        """Write a head that is held back."""
        self._responses.flush()


class _HeldHead:
    """What uvicorn's response asks of a transport."""

    __slots__ = ("_head", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(_HEAD):
            self._head = data
            self._loop.call_soon(self.flush)
            return
        self._transport.write(data)

    def flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()
