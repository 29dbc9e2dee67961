"""Requests within bounds: how large a head may be, how long sending may take, and how many may be connected.

A request that comes in one piece, as almost all do, is never timed: only a connection that owes the rest of a request
is on the server's one clock, so a bid pays for no timer.
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
# Of head and body together, from the first byte: a quarter of a megabyte takes a slow telephone ten seconds.
SEND_SECONDS_MAX = 20.0
HTTP_CONNECTIONS_MAX = 12_000
# So many more are told that there is no room; whoever comes after them is cut off without a word.
CONNECTIONS_TURNED_AWAY_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Reply:
    """A refusal that is the same for everyone, after which the connection is closed."""

    status: int
    code: str
    message: str
    headers: Sequence[Header] = ()

    def whole(self, more_headers: Sequence[Header] = ()) -> bytes:
        """Head and body as they are sent."""
        head = b"".join(b"%b: %b\r\n" % header for header in (*self._headers(), *more_headers))
        return with_unsaid(b"%b%b\r\n" % (STATUS_LINE[self.status], head)) + self._body()

    async def app(self, _scope: object, _receive: object, send: Callable[[Any], Awaitable[None]]) -> None:
        """The application that answers everything with it."""
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
    """How much a server takes from clients before it knows what they want."""

    head_bytes_max: int = HEAD_BYTES_MAX
    send_seconds_max: float = SEND_SECONDS_MAX
    connections_max: int = HTTP_CONNECTIONS_MAX


class ReadTimeouts:
    """Who owes the rest of a request, in the order in which they are due: one timer for all of them."""

    def __init__(self, seconds: float) -> None:
        """Whoever is on it is cut off after so many seconds."""
        self._seconds = seconds
        self._due: dict[LimitedRequests, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self, connection: "LimitedRequests") -> None:
        """Give the connection its time, from now on."""
        due = connection.loop.time() + self._seconds
        self._due[connection] = due
        if self._timer is None:
            self._timer = connection.loop.call_at(due, self._ring, connection.loop)

    def stop(self, connection: "LimitedRequests") -> None:
        """Leave the connection alone."""
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
    """Whole responses, to requests that are sent within the limits. A server makes a subclass that has its own."""

    limits: RequestLimits
    clock: ReadTimeouts
    # None: no page of another origin may call.
    cors: Cors | None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Bound how many there are, and how long someone who says nothing is listened to."""
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
            # uvicorn's own, which it otherwise starts with the first response.
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol. What leaves a request unfinished starts its clock."""
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
            # uvicorn puts these on whatever it sends in reply, its own 500 included.
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
        """Answer what is no HTTP."""
        self.turn_away(Reply(400, "invalid_argument", msg))

    def forget(self) -> None:
        """Owe the clock nothing any more."""
        self._is_timed = False
        self.clock.stop(self)

    def turn_away(self, reply: Reply) -> None:
        """Close, with the reply unless an answer is owed to an earlier request, or has begun."""
        cycle = self.cycle
        is_answering = cycle is not None and not cycle.response_complete  # type: ignore[redundant-expr]
        if not is_answering or not (self._in_head or self.pipeline or cycle.response_started):
            self.transport.write(reply.whole(() if self.cors is None else self.cors.reply_headers(self.headers)))
        if is_answering:
            # The application that waits for the rest of the body is told that its client is gone.
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()

    def _time(self) -> None:
        self._is_timed = True
        self.clock.start(self)

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
