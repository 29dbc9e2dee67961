"""HTTP/1.1 request parser: httptools, without protocol upgrades and without trailer fields.

After the head of a request with `Upgrade`, httptools reports the request as complete, skips its body, and parses the
bytes of the body as the next request. RFC 9110, 7.8 lets a server ignore the field, and then the body is read by its
Content-Length or its chunks. So such a head is parsed a second time, without the field.
"""

from typing import Any, NamedTuple, Protocol

import httptools
from httptools import HttpParserError

__all__ = ["Head", "Header", "HttpParserError", "RequestParser", "RequestReader"]

# Name in lower case, and value.
Header = tuple[bytes, bytes]


class Head(NamedTuple):
    """Head of a request. `version` is 1.1 or another that httptools accepts; names of fields are in lower case."""

    method: bytes
    target: bytes
    version: str
    headers: list[Header]
    keep_alive: bool


class RequestReader(Protocol):
    """Receiver of what a parser finds, in the order of the bytes."""

    def head_read(self, head: Head) -> None:
        """Called at the end of a head."""
        ...

    def body_read(self, data: bytes) -> None:
        """Called for each part of a body, without the framing of chunks."""
        ...

    def request_read(self) -> None:
        """Called at the end of a request."""
        ...


class RequestParser:
    """Parser of the requests of one connection. `is_between` is true while no byte of a request has been read."""

    __slots__ = ("_headers", "_in_head", "_parser", "_reader", "_target", "is_between")

    def __init__(self, reader: RequestReader) -> None:
        self._reader = reader
        self._parser: Any = self._new_parser()
        self._in_head = True
        self._target = b""
        self._headers: list[Header] = []
        self.is_between = True

    @property
    def headers(self) -> list[Header]:
        """The fields of the head that is being read; empty between requests."""
        return self._headers

    def feed(self, data: bytes) -> None:
        """Parse the next bytes. Raises HttpParserError if they are not HTTP/1; then nothing more can be parsed."""
        unread: bytes | memoryview = data
        while unread:
            try:
                self._parser.feed_data(unread)
            except httptools.HttpParserUpgrade as upgrade:
                if self._parser.get_method() == b"CONNECT":
                    raise HttpParserError("this server is no proxy") from None
                head = self._head_without_upgrade()
                self._parser = self._new_parser()
                self._parser.feed_data(head)
                unread = memoryview(unread)[upgrade.args[0] :]
            else:
                return

    def head_bytes(self) -> int:
        """About how many bytes the head has that is being read."""
        return len(self._target) + sum(len(name) + len(value) for name, value in self._headers)

    def close(self) -> None:
        """Release the parser: it refers to this object."""
        self._parser = None

    # Callbacks of httptools. The end of a head with an upgrade is not reported: it is parsed again.

    def on_message_begin(self) -> None:
        self.is_between = False
        self._in_head = True
        self._target = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # A trailer field is dropped: it must not count as a header (RFC 9110, 6.5.1).
        if self._in_head:
            # White space after a value is no part of it (RFC 9110, 5.5); httptools strips only what precedes it.
            self._headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        parser = self._parser
        if parser.should_upgrade():
            return
        self._in_head = False
        self._reader.head_read(
            Head(
                parser.get_method(),
                self._target,
                parser.get_http_version(),
                self._headers,
                parser.should_keep_alive(),
            )
        )

    def on_body(self, data: bytes) -> None:
        self._reader.body_read(data)

    def on_message_complete(self) -> None:
        if self._parser.should_upgrade():
            return
        # The request keeps its own reference; what comes next belongs to another one.
        self._in_head, self._headers, self.is_between = True, [], True
        self._reader.request_read()

    def _head_without_upgrade(self) -> bytes:
        version = self._parser.get_http_version().encode()
        request_line = b"%b %b HTTP/%b" % (self._parser.get_method(), self._target, version)
        fields = [b"%b: %b" % field for field in self._headers if field[0] != b"upgrade"]
        return b"\r\n".join([request_line, *fields, b"", b""])

    def _new_parser(self) -> Any:
        parser = httptools.HttpRequestParser(self)
        # Data after a request with `Connection: close` must not turn the answer to it into an error.
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return parser
