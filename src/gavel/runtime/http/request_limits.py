"""HTTP request limits: size of a head, time to send a request, and number of connections.

A request that comes in one piece, as almost all do, is never timed. Only connections with an incomplete request are on
the server's one clock, so a bid pays for no timer.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gavel.runtime.http.cors import Cors, Header
from gavel.runtime.http.response_coalescing import CoalescedResponses, with_unsaid

# A token may have eight thousand bytes, and a browser's cookies about as many.
HEAD_BYTES_MAX = 32 * 1024
# For head and body together, from the first byte: a slow phone sends a quarter of a megabyte in ten seconds.
SEND_SECONDS_MAX = 20.0
HTTP_CONNECTIONS_MAX = 12_000
# This many more connections get a 503 reply; the rest are aborted without one.
CONNECTIONS_TURNED_AWAY_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Reply:
    """A refusal that is the same for every client, after which the connection is closed."""

    status: int
    code: str
    message: str
    headers: Sequence[Header] = ()

    def whole(self, more_headers: Sequence[Header] = ()) -> bytes:
        """Head and body as bytes."""
        head = b"".join(b"%b: %b\r\n" % header for header in (*self._headers(), *more_headers))
        return with_unsaid(b"%b%b\r\n" % (STATUS_LINE[self.status], head)) + self._body()

    async def app(self, _scope: object, _receive: object, send: Callable[[Any], Awaitable[None]]) -> None:
        """ASGI application that answers every request with this reply."""
        await send({"type": "http.response.start", "status": self.status, "headers": self._headers()})
        await send({"type": "http.response.body", "body": self._body()})

    def _body(self) -> bytes:
        return json.dumps({"code": self.code, "message": self.message}).encode()

    def _headers(self) -> list[Header]:
        length = str(len(self._body())).encode()
        own = [(b"content-type", b"application/json"), (b"content-length", length), (b"connection", b"close")]
        return [*own, *self.headers]


_TOO_LATE = Reply(408, "deadline_exceeded", "the request was not sent in time")
_HEAD_TOO_LARGE = Reply(431, "resource_exhausted", "the headers are too large")
_NO_ROOM = Reply(503, "unavailable", "too many connections: try again", [(b"retry-after", b"1")])


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Limits on what a server takes from clients before their requests are complete."""

    head_bytes_max: int = HEAD_BYTES_MAX
    send_seconds_max: float = SEND_SECONDS_MAX
    connections_max: int = HTTP_CONNECTIONS_MAX


class ReadTimeouts:
    """Timeouts of incomplete requests, in the order in which they are due: one timer for all connections."""

    def __init__(self, seconds: float) -> None:
        """Turn connections away this many seconds after `start`."""
        self._seconds = seconds
        self._due: dict[LimitedRequests, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self, connection: "LimitedRequests") -> None:
        """Start the timeout of a connection."""
        due = connection.loop.time() + self._seconds
        self._due[connection] = due
        if self._timer is None:
            self._timer = connection.loop.call_at(due, self._ring, connection.loop)

    def stop(self, connection: "LimitedRequests") -> None:
        """Cancel the timeout of a connection."""
        self._due.pop(connection, None)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        now, late = loop.time(), list[LimitedRequests]()
        self._timer = None
        for connection, due in self._due.items():
            if due > now:
                self._timer = loop.call_at(due, self._ring, loop)
                break
            late.append(connection)
        for connection in late:
            del self._due[connection]
            connection.turn_away(_TOO_LATE)


class LimitedRequests(CoalescedResponses):
    """uvicorn's HTTP/1.1, with request limits and coalesced responses. Each server has a subclass of its own."""

    limits: RequestLimits
    clock: ReadTimeouts
    # None: no page of another origin may call.
    cors: Cors | None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Limit the number of connections, and how long a silent one stays open."""
        super().connection_made(transport)
        self._is_whole = True
        self._is_timed = False
        self._read_bytes = 0
        too_many = len(self.connections) - self.limits.connections_max
        if too_many > CONNECTIONS_TURNED_AWAY_MAX:
            transport.abort()
        elif too_many > 0:
            # A page can read the refusal of its call only if the preflight before it is not refused.
            self.app = _NO_ROOM.app if self.cors is None else self.cors.answering_preflights(_NO_ROOM.app)
            self._time()
        else:
            # uvicorn's own timeout, which it otherwise starts with the first response.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol. Data that leaves a request incomplete starts its timeout."""
        self._is_whole = False
        self._read_bytes += len(data)
        super().data_received(data)
        if self._is_whole or self.transport.is_closing():
            return
        if self._read_bytes > self.limits.head_bytes_max:
            self.turn_away(_HEAD_TOO_LARGE)
        elif not self._is_timed:
            self._time()

    def on_message_begin(self) -> None:
        """See HttpToolsProtocol."""
        self._is_whole = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """See HttpToolsProtocol."""
        # What was read may be more than the head: a body, or requests before this one.
        if self._read_bytes > self.limits.head_bytes_max and self._head_bytes() > self.limits.head_bytes_max:
            self.app = _HEAD_TOO_LARGE.app
        self._read_bytes = 0
        super().on_headers_complete()
        if self.cors is not None:
            # uvicorn adds these to every response, its own 500 included.
            self.cycle.default_headers = [*self.cycle.default_headers, *self.cors.reply_headers(self.headers)]

    def on_body(self, body: bytes) -> None:
        """See HttpToolsProtocol. Body bytes are not counted, chunk extensions and trailers are."""
        self._read_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """See HttpToolsProtocol."""
        self._is_whole, self._read_bytes = True, 0
        if self._is_timed:
            self.forget()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse data that is not HTTP."""
        self.turn_away(Reply(400, "invalid_argument", msg))

    def forget(self) -> None:
        """Stop timing this connection."""
        self._is_timed = False
        self.clock.stop(self)

    def turn_away(self, reply: Reply) -> None:
        """Close; send the reply first, unless an earlier request waits for its response, or one has begun."""
        cycle = self.cycle
        is_answering = cycle is not None and not cycle.response_complete  # type: ignore[redundant-expr]
        if not is_answering or not (self._in_head or self.pipeline or cycle.response_started):
            self.transport.write(reply.whole(() if self.cors is None else self.cors.reply_headers(self.headers)))
        if is_answering:
            # Report a disconnect to an application that waits for the rest of the body.
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()

    def _time(self) -> None:
        self._is_timed = True
        self.clock.start(self)

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
