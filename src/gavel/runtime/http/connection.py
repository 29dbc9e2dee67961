"""HTTP/1.1 connection: reads requests, hands them on one by one, and writes their responses in order (RFC 9112)."""

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, cast

import structlog
from httptools import HttpParserCallbackError, HttpParserInvalidURLError

from gavel.runtime.http.exchange import Exchange, Refusals, Response, problem_of, whole
from gavel.runtime.http.request_limits import CONNECTIONS_TURNED_AWAY_MAX, PIPELINED_REQUESTS_MAX, UNREAD_PAUSE_BYTES
from gavel.runtime.http.request_parser import Head, Header, HttpParserError, RequestParser
from gavel.runtime.http.streams import Stream

if TYPE_CHECKING:
    from gavel.runtime.http.server import HttpServer

_log = structlog.get_logger(__name__)


class HttpConnection(asyncio.Protocol):
    """One client's connection.

    A request is admitted when its head is read and it is its turn, and answered when it is whole. Requests before their
    turn (pipelining) wait, and nothing more is read meanwhile.
    """

    __slots__ = (
        "_advancing",
        "_current",
        "_drained",
        "_ends",
        "_has_eof",
        "_idle_since_seconds",
        "_is_paused",
        "_is_timed",
        "_parser",
        "_read_bytes",
        "_reading",
        "_refusal",
        "_transport",
        "_turned_away",
        "_waiting",
        "address_key",
        "client_host",
        "is_lost",
        "server",
    )

    def __init__(self, server: "HttpServer") -> None:
        self.server = server
        self.client_host = ""
        self.address_key: str | None = None
        self.is_lost = False
        self._parser = RequestParser(self)
        # The exchange whose turn it is; the one whose body is read, the same or one behind it; those that wait.
        self._current: Exchange | None = None
        self._reading: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        # To be sent behind all that wait, and then nothing more.
        self._refusal: Response | None = None
        self._ends = self._has_eof = False
        # How to refuse whatever is asked on a connection too many.
        self._turned_away: Response | None = None
        self._is_paused = self._is_timed = self._advancing = False
        self._idle_since_seconds = server.now_seconds()
        self._read_bytes = 0
        self._drained: asyncio.Future[None] | None = None
        self._transport = cast("asyncio.Transport", None)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(UNREAD_PAUSE_BYTES)
        peer = transport.get_extra_info("peername")
        self.client_host = peer[0] if peer else ""
        self.address_key = self.server.addresses.key_of_peer(self.client_host)
        too_many, refusal = self.server.add(self)
        if too_many > CONNECTIONS_TURNED_AWAY_MAX:
            self._transport.abort()
            return
        self.server.idle.start(self)
        if too_many > 0:
            self._turned_away = refusal
            self._time()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - it does not matter why
        self.is_lost = True
        self._forget_clocks()
        self.server.forget(self)
        self.server.connections_of.drop(self.address_key)
        self._wake()
        self._waiting.clear()
        current, self._current = self._current, None
        if current is not None and current.on_lost is not None:
            current.on_lost()
        self._parser.close()

    def data_received(self, data: bytes) -> None:
        if self._ends:
            return
        self._read_bytes += len(data)
        try:
            self._parser.feed(data)
        except HttpParserCallbackError as error:
            # httptools wraps what a handler raises.
            _log.error("unexpected_error", exc_info=error.__context__)
            self.abort()
            return
        except HttpParserError:
            # What follows a refused head in its packet is parsed too.
            if not self._ends:
                self.refuse(Refusals.NOT_HTTP)
            return
        if self._ends or self.is_lost or (self._parser.is_between and not self._read_bytes):
            return
        # A part of a request, or of what precedes one.
        if self._read_bytes > self.server.limits.head_bytes_max:
            self.refuse(Refusals.HEAD_TOO_LARGE)
        elif not (self._is_timed or self._is_paused or self._waiting):
            self._time()

    def eof_received(self) -> bool:
        # The client may have closed only its half, and wait for the answers to what it has sent (RFC 9112, 9.6).
        self._has_eof = True
        if self._current is None or not self._current.is_whole:
            return False
        self._stop_reading()
        return True

    def pause_writing(self) -> None:
        # A client that does not read is not read either: its next requests would add to what it has not read.
        self.server.unread.start(self)
        self.server.unread_bytes.add(self, self._transport.get_write_buffer_size())
        self._transport.pause_reading()
        self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        self.server.unread_bytes.drop(self)
        if not self._transport.is_closing():
            self.server.unread.stop(self)
        self._wake()
        if self._current is not None:
            self._read_on()
        elif not self._advancing:
            self._advance()

    # What the parser calls.

    def head_read(self, head: Head) -> None:
        # What was read may be more than the head: a body, or requests before this one.
        limit = self.server.limits.head_bytes_max
        is_too_large = self._read_bytes > limit and self._parser.head_bytes() > limit
        self._read_bytes = 0
        if self._ends:
            return
        try:
            exchange = self._reading = Exchange(self, head)
        except HttpParserInvalidURLError:
            self.refuse(Refusals.NOT_HTTP)
            return
        if (problem := Refusals.HEAD_TOO_LARGE if is_too_large else problem_of(head)) is not None:
            self.refuse(problem)
        elif self._current is None and self._drained is None:
            self._begin(exchange)

    def body_read(self, data: bytes) -> None:
        # Body bytes are not counted as a head's, chunk extensions and trailers are.
        self._read_bytes = 0
        exchange = self._reading
        if exchange is not None and not self._ends and not exchange.add(data):
            self.refuse(Refusals.BODY_TOO_LARGE)

    def request_read(self) -> None:
        self._read_bytes = 0
        if self._is_timed:
            self._stop_timing()
        exchange, self._reading = self._reading, None
        if exchange is None or self._ends:
            return
        exchange.complete()
        if exchange is not self._current:
            self._waiting.append(exchange)
            self._transport.pause_reading()
            if len(self._waiting) > PIPELINED_REQUESTS_MAX:
                self.refuse(Refusals.TOO_MANY_PIPELINED)
        elif exchange.is_answered:
            self._done(exchange)
        else:
            self.server.handler.answer(exchange)

    # What exchanges call.

    def write(self, data: bytes) -> None:
        """Write bytes of a response."""
        if not self.is_lost:
            self._transport.write(data)

    def keeps(self, exchange: Exchange) -> bool:
        """Whether the connection stays open behind the response to this exchange."""
        is_last = self._ends and not self._waiting and self._refusal is None
        return exchange.keep_alive and not is_last and not self.server.is_stopping

    def cors_lines(self, headers: list[Header]) -> bytes:
        """The header fields by which a page of another origin may read the response to a request with these headers."""
        return b"" if self.server.cors is None else self.server.cors.reply_lines(headers)

    def answered(self, exchange: Exchange) -> None:
        """Go on behind an exchange whose response is complete."""
        if exchange.is_whole:
            self._done(exchange)
        elif not self.keeps(exchange):
            # The rest of its body may be on its way.
            self._linger()

    async def drained(self) -> None:
        """Wait while writing is paused."""
        if self._drained is not None and not self.is_lost:
            await self._drained

    def abort(self) -> None:
        """Cut the connection, and discard what is not sent."""
        self._transport.abort()

    def detach(self, stream: Stream) -> None:
        """Hand the connection to a stream; requests behind it are not answered."""
        self._ends = True
        self._current = None
        self._waiting.clear()
        self._forget_clocks()
        self.server.forget(self)
        if self.is_lost or self._transport.is_closing():
            return
        self._parser.close()
        on_closed = partial(self.server.connections_of.drop, self.address_key)
        stream.take_over(self._transport, on_closed, self.server.unread_bytes)

    def pause_reading_for(self, seconds: float) -> None:
        """Read nothing from this client for a while. It need not have sent anything meanwhile."""
        if not self.is_lost and not self._ends:
            self._is_paused = True
            self._stop_timing()
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(seconds, self._end_pause)

    # What the server's clocks call, and its stop.

    def refuse(self, response: Response) -> None:
        """Refuse the request that is read, behind all that came before it; then close."""
        exchange, current = self._reading, self._current
        if current is not None and current is not exchange:
            self._refusal = response
            self._stop_reading()
        elif current is not None and current.has_begun:
            # It was answered before its body came.
            self._end_with(b"")
        else:
            headers = self._parser.headers if exchange is None else exchange.headers
            self._end_with(whole(response, self.cors_lines(headers)))

    def close_if_idle(self, idle_seconds: float = 0.0) -> bool:
        """Close, unless a request is under way, or was so short a time ago. Return whether it is closed."""
        is_idle = self._current is None and self._parser.is_between and not self._ends
        if is_idle and self.server.now_seconds() - self._idle_since_seconds >= idle_seconds:
            self._close()
            return True
        return False

    def _begin(self, exchange: Exchange) -> None:
        """Admit a request whose turn it is, and whose body may still be on its way."""
        self._current = exchange
        self._admit(exchange)
        exchange.ask_for_body()

    def _admit(self, exchange: Exchange) -> None:
        cors = self.server.cors
        if cors is not None and exchange.method == "OPTIONS" and cors.is_preflight(exchange.headers):
            # Also where there are too many connections: a page can read a refusal only if its preflight is answered.
            exchange.respond(cors.preflight)
        elif self._turned_away is not None:
            exchange.respond(self._turned_away, close=True)
        else:
            self.server.handler.admit(exchange)

    def _done(self, exchange: Exchange) -> None:
        """Go on behind an exchange that was read and answered as a whole."""
        keeps = self.keeps(exchange)
        self._current = None
        if self.is_lost:
            return
        if not keeps:
            self._ends = True
            self._waiting.clear()
            self._close()
        elif not self._advancing:
            self._advance()

    def _advance(self) -> None:
        """Answer the requests that wait, as far as they are answered at once; else read on."""
        self._advancing = True
        while self._waiting and self._current is None and self._drained is None and not self._is_gone:
            exchange = self._current = self._waiting.popleft()
            self._admit(exchange)
            if exchange.is_answered:
                self._done(exchange)
            else:
                self.server.handler.answer(exchange)
        self._advancing = False
        if self._current is not None or self._drained is not None or self._is_gone:
            return
        if self._refusal is not None:
            self._end_with(whole(self._refusal, self.cors_lines(self._parser.headers)))
        elif self._ends:
            self._close()
        else:
            if self._reading is not None:
                # Its head came before its turn.
                self._begin(self._reading)
            self._read_on()
            self._idle_since_seconds = self.server.now_seconds()

    def _stop_reading(self) -> None:
        """Answer what was read as a whole, and nothing more."""
        self._ends = True
        self._reading = None
        self._stop_timing()
        self._transport.pause_reading()

    def _end_with(self, data: bytes) -> None:
        """Write the last bytes, and parse nothing more."""
        self._ends = True
        self._current = self._reading = self._refusal = None
        self._waiting.clear()
        self._forget_clocks()
        if self.is_lost or self._transport.is_closing():
            return
        if data:
            self._transport.write(data)
        if self._has_eof:
            self._close()
        else:
            self._linger()

    def _close(self) -> None:
        """Close once all is sent; cut off a client that does not read it in time."""
        self._transport.close()
        if not self.is_lost:
            self.server.unread.start(self)

    def _linger(self) -> None:
        """Say that nothing more comes, and discard what the client still sends until it closes, or LINGER_SECONDS.

        Closing at once would reset the connection of a client that is still sending, which then loses the answer.
        """
        self._transport.write_eof()
        self._transport.resume_reading()
        self.server.lingering.start(self)

    def _end_pause(self) -> None:
        self._is_paused = False
        self._read_on()

    def _read_on(self) -> None:
        if not (self._ends or self._waiting or self._is_paused or self._drained is not None or self._is_gone):
            self._transport.resume_reading()
            if not self._parser.is_between and not self._is_timed:
                self._time()

    @property
    def _is_gone(self) -> bool:
        """Whether nothing more can be sent to the client, or soon can't be."""
        return self.is_lost or self._transport.is_closing()

    def _time(self) -> None:
        """Start the time for sending the rest of a request; refuse it if too many of its address are unfinished."""
        self._is_timed = True
        self.server.incomplete.start(self)
        too_many = self.server.unfinished_of.add(self.address_key) - self.server.limits.address_unfinished_max
        if too_many > 0 and self._turned_away is None:
            self.server.addresses.refused["unfinished"] += 1
            self.refuse(Refusals.TOO_MANY_UNFINISHED)

    def _stop_timing(self) -> None:
        if self._is_timed:
            self._is_timed = False
            self.server.incomplete.stop(self)
            self.server.unfinished_of.drop(self.address_key)

    def _forget_clocks(self) -> None:
        self._stop_timing()
        self.server.unread_bytes.drop(self)
        for clock in self.server.clocks:
            clock.stop(self)

    def _wake(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)
