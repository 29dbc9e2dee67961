"""Exchange: one HTTP request, the one way to answer it, and responses that need no handler (RFC 9112)."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import unquote

import httptools

from gavel.runtime.http.request_limits import REQUEST_BYTES_MAX
from gavel.runtime.http.request_parser import Head, Header

if TYPE_CHECKING:
    from gavel.runtime.http.connection import HttpConnection
    from gavel.runtime.http.streams import Stream

JSON_LINES = b"content-type: application/json\r\n"

_STATUS_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus}
# The Connect protocol's status of a cancelled call, which HTTP does not name.
_STATUS_LINES[499] = b"HTTP/1.1 499 Client Closed Request\r\n"
# Replies are one user's, or true for a moment, so they must not be cached. Content types are not to be guessed.
_NO_STORE, _NO_SNIFF = b"cache-control: no-store\r\n", b"x-content-type-options: nosniff\r\n"
_CLOSE = b"connection: close\r\n"
_CHUNKED = b"transfer-encoding: chunked\r\n"
_LAST_CHUNK = b"0\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class _Clock:
    """The Date field, made once a second (RFC 9110, 6.6.1)."""

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def line(self) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second, self._line = second, b"date: %b\r\n" % formatdate(second, usegmt=True).encode()
        return self._line


_clock = _Clock()


class Response(NamedTuple):
    """A whole response. `lines` are header fields as bytes, each with its CRLF; names in lower case."""

    status: int
    lines: bytes
    body: bytes = b""


def lines_of(headers: Iterable[Header]) -> bytes:
    """Format header fields."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def json_response(status: int, value: object, headers: Sequence[Header] = ()) -> Response:
    """A response with a JSON body."""
    return Response(status, JSON_LINES + lines_of(headers), json.dumps(value).encode())


def head_of(status: int, lines: bytes, *, closes: bool) -> bytes:
    """The head of a response, with Date, the default fields that `lines` does not have, and the empty line."""
    head = _STATUS_LINES[status] + _clock.line() + lines
    if b"cache-control:" not in lines:
        head += _NO_STORE
    if b"x-content-type-options:" not in lines:
        head += _NO_SNIFF
    return head + _CLOSE + b"\r\n" if closes else head + b"\r\n"


def whole(refused: Response, more_lines: bytes) -> bytes:
    """A refusal as bytes, behind which the connection is closed."""
    status, lines, body = refused
    return head_of(status, lines + b"content-length: %d\r\n" % len(body) + more_lines, closes=True) + body


def has_body(status: int) -> bool:
    """Whether a response of this status may have a body (RFC 9110, 6.4.1)."""
    return status >= 200 and status not in (204, 304)


def refusal(status: int, code: str, message: str, headers: Sequence[Header] = ()) -> Response:
    """A refusal before a handler is asked, in the form of every error of the API."""
    return json_response(status, {"code": code, "message": message}, headers)


SERVER_ERROR = refusal(500, "internal", "something went wrong on our side")
# The Connect protocol maps 404 to this code.
NO_PAGE = refusal(404, "unimplemented", "no such page or procedure")
# The Host field names another server (RFC 9110, 15.5.20).
MISDIRECTED = refusal(421, "permission_denied", "this server is not called by the name in Host: see HTTP_ALLOWED_HOSTS")


class Refusals:
    """Refusals of a connection, whatever is asked on it."""

    NOT_HTTP = refusal(400, "invalid_argument", "this is not an HTTP/1.1 request")
    NO_HOST = refusal(400, "invalid_argument", "a request needs one Host header")
    CHUNKED_1_0 = refusal(400, "invalid_argument", "HTTP/1.0 knows no Transfer-Encoding")
    VERSION = refusal(505, "unimplemented", "only HTTP/1.1 and HTTP/1.0 are served")
    TOO_LATE = refusal(408, "deadline_exceeded", "the request was not sent in time")
    HEAD_TOO_LARGE = refusal(431, "resource_exhausted", "the headers are too large")
    BODY_TOO_LARGE = refusal(429, "resource_exhausted", "the body is too large")
    TOO_MANY_PIPELINED = refusal(429, "resource_exhausted", "too many requests wait on this connection")
    TOO_MANY = refusal(503, "unavailable", "too many connections: try again", [(b"retry-after", b"1")])
    TOO_MANY_OF_ADDRESS = refusal(
        429, "resource_exhausted", "too many connections of one address", [(b"retry-after", b"1")]
    )
    TOO_MANY_UNFINISHED = refusal(
        429, "resource_exhausted", "too many unfinished requests of one address", [(b"retry-after", b"1")]
    )


class Exchange:
    """A request and its response.

    `body` is complete once the handler is asked to answer. `on_lost` is called if the connection is lost before the
    response is complete. `state` is the handler's.
    """

    __slots__ = (
        "_connection",
        "_is_chunked",
        "_parts",
        "_read_bytes",
        "body",
        "body_bytes_max",
        "has_begun",
        "headers",
        "is_answered",
        "is_whole",
        "keep_alive",
        "method",
        "on_lost",
        "path",
        "query",
        "state",
        "version",
    )

    def __init__(self, connection: "HttpConnection", head: Head) -> None:
        self._connection = connection
        self.method = head.method.decode("latin-1")
        self.path, self.query = _path_of(head.target)
        self.version = head.version
        self.headers: list[Header] = head.headers
        # HTTP/1.0 keeps a connection only where the response has a header for it.
        self.keep_alive = head.keep_alive and head.version == "1.1"
        self.body = b""
        self.body_bytes_max = REQUEST_BYTES_MAX
        self.is_whole = False
        self.has_begun = False
        self.is_answered = False
        self.on_lost: Callable[[], object] | None = None
        self.state: Any = None
        self._parts: bytearray | None = None
        self._read_bytes = 0
        self._is_chunked = False

    def now_seconds(self) -> float:
        """The time on the event loop's clock."""
        return self._connection.server.now_seconds()

    @property
    def client_host(self) -> str:
        """The address of the client; empty if the connection is not over IP."""
        return self._connection.client_host

    @property
    def address_key(self) -> str | None:
        """The key of that address; None if no limit of addresses applies to its connections."""
        return self._connection.address_key

    @property
    def is_lost(self) -> bool:
        """Whether nothing can be sent to the client any more."""
        return self._connection.is_lost

    def header(self, name: bytes) -> bytes:
        """The value of the first header field of this name, given in lower case; empty without one."""
        for each, value in self.headers:
            if each == name:
                return value
        return b""

    def ask_for_body(self) -> None:
        """Write 100 Continue to a client that waits for it before it sends the body (RFC 9110, 10.1.1)."""
        if not self.is_answered and self.version == "1.1" and self.header(b"expect").lower() == b"100-continue":
            self._connection.write(_CONTINUE)

    def respond(self, response: Response, *, close: bool = False) -> None:
        """Answer with a whole response; close the connection behind it if asked to. A second one has no effect."""
        if self.is_answered:
            return
        status, lines, body = response
        if b"content-length:" not in lines and has_body(status):
            lines += b"content-length: %d\r\n" % len(body)
        if close:
            self.keep_alive = False
        self.has_begun = True
        head = self._head(status, lines)
        self._connection.write(head + body if self.method != "HEAD" and has_body(status) else head)
        self._end()

    def begin(self, status: int, lines: bytes) -> None:
        """Send the head of a response whose body follows by `write`, and then `end`."""
        self.has_begun = True
        self._is_chunked = False
        if b"content-length:" not in lines and has_body(status):
            if self.version == "1.1":
                self._is_chunked = True
                lines += _CHUNKED
            else:
                # The end of the connection is the end of the body (RFC 9112, 6.3).
                self.keep_alive = False
        self._connection.write(self._head(status, lines))

    def write(self, data: bytes) -> None:
        """Send a part of the body."""
        if data and self.method != "HEAD":
            self._connection.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)

    def end(self) -> None:
        """End a response that `begin` began."""
        if self._is_chunked and self.method != "HEAD":
            self._connection.write(_LAST_CHUNK)
        self._end()

    async def drained(self) -> None:
        """Wait until the client has read most of what was sent, or is lost."""
        await self._connection.drained()

    def abort(self) -> None:
        """Cut the connection: a response that has begun can't be completed."""
        self._connection.abort()

    def open_stream(self, lines: bytes, stream: "Stream") -> None:
        """Send a head, and hand the connection to a stream, whose chunks follow. Nothing else is answered on it.

        If the client is lost, the stream stays closed.
        """
        self.has_begun = True
        self._connection.write(self._head(200, lines + _CHUNKED))
        self.is_answered = True
        self._connection.detach(stream)

    def pause_reading(self, seconds: float) -> None:
        """Read nothing from this client for a while: what it sends waits in the kernel, and costs nothing."""
        self._connection.pause_reading_for(seconds)

    def run(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine that answers. The server waits for it when it stops."""
        return self._connection.server.run(coroutine)

    def add(self, data: bytes) -> bool:
        """Take a part of the body; False once there are too many bytes. For the connection."""
        self._read_bytes += len(data)
        if self._read_bytes > self.body_bytes_max:
            self.body, self._parts = b"", None
            return False
        if self.is_answered:
            return True
        if self._parts is not None:
            self._parts += data
        elif self.body:
            self._parts = bytearray(self.body)
            self._parts += data
        else:
            self.body = data
        return True

    def complete(self) -> None:
        """Note the end of the body. For the connection."""
        self.is_whole = True
        if self._parts is not None:
            self.body, self._parts = bytes(self._parts), None

    def _head(self, status: int, lines: bytes) -> bytes:
        return head_of(
            status, lines + self._connection.cors_lines(self.headers), closes=not self._connection.keeps(self)
        )

    def _end(self) -> None:
        self.is_answered = True
        self.on_lost = None
        self._connection.answered(self)


class Handler(Protocol):
    """What a server asks about each request, both times in synchronous code."""

    def admit(self, exchange: Exchange) -> None:
        """Look at a head whose body may still be on its way: answer it now, or bound its body."""
        ...

    def answer(self, exchange: Exchange) -> None:
        """Answer a whole request, now or later, unless `admit` has. Must not raise."""
        ...


def _path_of(target: bytes) -> tuple[str, bytes]:
    """Path, percent-decoded, and query of a request target (RFC 9112, 3.2)."""
    if not target.startswith(b"/"):
        if target == b"*":
            return "*", b""
        # The absolute form, as clients of proxies send it. Raises HttpParserInvalidURLError for what is none.
        url = httptools.parse_url(target)
        return unquote((url.path or b"/").decode("latin-1")), url.query or b""
    path, _, query = target.partition(b"?")
    text = path.decode("latin-1")
    return (unquote(text) if "%" in text else text), query


def problem_of(head: Head) -> Response | None:
    """Why a request can't be served whatever it asks for (RFC 9112, 2.3, 3.2, 6.1); None if it can."""
    if head.version not in ("1.1", "1.0"):
        return Refusals.VERSION
    hosts = 0
    for name, value in head.headers:
        if name == b"host":
            hosts += 1
            if b"," in value or b" " in value:
                return Refusals.NO_HOST
        elif name == b"transfer-encoding" and head.version == "1.0":
            return Refusals.CHUNKED_1_0
    if hosts > 1 or (not hosts and head.version == "1.1"):
        return Refusals.NO_HOST
    return None
