"""One keep-alive HTTP/1.1 connection that posts JSON: what a bidder holds.

A third of the CPU of the client that comes with connectrpc (75 against 225 us a call, 64 at once), so that a crowd
of bidders in one process is not slower than the server that it bids at.
"""

import asyncio
import ssl
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import httptools

REPLY_BYTES_MAX = 8 * 1024 * 1024

_PORTS = {"http": 80, "https": 443}


class UrlInvalid(ValueError):
    """Not the address of a server; the text says what one looks like."""


class BrokenReply(Exception):
    """The server answered with something that is not HTTP, or with more than REPLY_BYTES_MAX."""


class HttpReply(NamedTuple):
    """Status, the Retry-After header as it came (empty: none), and the body."""

    status: int
    retry_after: str
    body: bytes


class Address(NamedTuple):
    """Where a server listens, taken apart."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    host_header: str
    path_prefix: str


def address_of(url: str) -> Address:
    """Take the URL of a server apart. Raises UrlInvalid."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in _PORTS or not parts.hostname or not (parts.netloc + parts.path).isascii():
        raise UrlInvalid(f"{url!r} is no address: write one such as http://127.0.0.1:8080")
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    return Address(parts.hostname, port, tls, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"))


class HttpConnection:
    """Posts one request at a time. Connects when first needed, and again after a failure."""

    def __init__(self, address: Address, token: str = "") -> None:
        self._address = address
        self._authorization = f"authorization: Bearer {token}\r\n" if token else ""
        self._wire: _Wire | None = None

    async def post(self, path: str, body: bytes, timeout_seconds: float) -> HttpReply:
        """Send a JSON body and return the reply to it, connecting included within `timeout_seconds`.

        Raises TimeoutError, OSError, or BrokenReply. After a failure the connection is cut: a reply that comes
        late must not answer the next request.
        """
        answered = False
        try:
            async with asyncio.timeout(timeout_seconds):
                if self._wire is None or self._wire.closed:
                    self._wire = await self._connect()
                reply = await self._wire.exchange(self._head(path, body) + body)
            answered = True
            return reply
        finally:
            if not answered:
                self.close()

    def close(self) -> None:
        """Cut the connection, if there is one. It may be used again."""
        if self._wire is not None:
            self._wire.cut()
            self._wire = None

    async def _connect(self) -> "_Wire":
        address = self._address
        _, wire = await asyncio.get_running_loop().create_connection(_Wire, address.host, address.port, ssl=address.tls)
        return wire

    def _head(self, path: str, body: bytes) -> bytes:
        return (
            f"POST {self._address.path_prefix}{path} HTTP/1.1\r\nhost: {self._address.host_header}\r\n"
            f"{self._authorization}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode("ascii")


class _Wire(asyncio.Protocol):
    """The socket's side: one reply at a time out of the bytes that come. The callbacks are httptools'."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._waiting: asyncio.Future[HttpReply] | None = None
        self._body = bytearray()
        self._retry_after = ""
        self.closed = False

    def exchange(self, request: bytes) -> "asyncio.Future[HttpReply]":
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiting

    def cut(self) -> None:
        self.closed = True
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(BrokenReply(f"no HTTP: {error}"))
            self.cut()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._fail(ConnectionResetError("the server closed the connection") if exc is None else exc)

    def on_message_begin(self) -> None:
        self._body.clear()
        self._retry_after = ""

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"retry-after":
            self._retry_after = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > REPLY_BYTES_MAX:
            self._fail(BrokenReply(f"more than {REPLY_BYTES_MAX} bytes"))
            self.cut()

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.closed = True
            self._transport.close()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(HttpReply(self._parser.get_status_code(), self._retry_after, bytes(self._body)))

    def _fail(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)
