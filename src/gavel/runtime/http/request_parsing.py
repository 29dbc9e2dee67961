"""HTTP/1.1 request parsing: httptools' parser, without protocol upgrades and without trailer fields.

After the head of a request with `Upgrade`, httptools reports the request as complete, skips its body, and parses the
bytes of the body as the next request. RFC 9110, 7.8 lets a server ignore the field, and then the body is read by its
Content-Length or its chunks. So such a head is parsed a second time, without the field.
"""

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_INVALID = "Invalid HTTP request received."


class RequestParsing(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, with every request read as if it had no Upgrade field.

    `_in_head` is true between requests, too: the next byte belongs to a head.
    """

    _in_head = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.headers = []
        self.parser = _parser_of(self)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._unset_keepalive_if_required()
        unread: bytes | memoryview = data
        try:
            while unread:
                unread = self._parse(unread)
        except httptools.HttpParserError:
            self.logger.warning(_INVALID)
            self.send_400_response(_INVALID)

    def on_message_begin(self) -> None:
        """See HttpToolsProtocol."""
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header field. A trailer field is dropped: it must not count as a header (RFC 9110, 6.5.1)."""
        if self._in_head:
            # White space behind a value is no part of it (RFC 9110, 5.5); httptools strips what stands before it alone.
            super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        """See HttpToolsProtocol."""
        super().on_headers_complete()
        self._in_head = False

    def on_message_complete(self) -> None:
        """See HttpToolsProtocol."""
        # The application keeps its own reference; what comes next belongs to another request.
        self._in_head, self.headers = True, []
        super().on_message_complete()

    def _parse(self, data: bytes | memoryview) -> bytes | memoryview:
        """Parse up to the end of the data, or of the first head with an upgrade. Return what is left to parse."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self.parser.get_method() == b"CONNECT":
                raise httptools.HttpParserError("this server is no proxy") from None
            head = self._head_without_upgrade()
            self.parser = _parser_of(self)
            self.parser.feed_data(head)
            return memoryview(data)[upgrade.args[0] :]
        return b""

    def _head_without_upgrade(self) -> bytes:
        request_line = b"%b %b HTTP/%b" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode(),
        )
        fields = [b"%b: %b" % field for field in self.headers if field[0] != b"upgrade"]
        return b"\r\n".join([request_line, *fields, b"", b""])


class _Callbacks:
    """Parser callbacks of a connection. The end of a head with an upgrade is not reported: it is parsed again."""

    __slots__ = ("_connection", "on_body", "on_header", "on_message_begin", "on_url")

    def __init__(self, connection: RequestParsing) -> None:
        self._connection = connection
        self.on_message_begin = connection.on_message_begin
        self.on_url = connection.on_url
        self.on_header = connection.on_header
        self.on_body = connection.on_body

    def on_headers_complete(self) -> None:
        if not self._connection.parser.should_upgrade():
            self._connection.on_headers_complete()

    def on_message_complete(self) -> None:
        if not self._connection.parser.should_upgrade():
            self._connection.on_message_complete()


def _parser_of(connection: RequestParsing) -> httptools.HttpRequestParser:
    parser = httptools.HttpRequestParser(_Callbacks(connection))
    # As in uvicorn: data after a request with `Connection: close` must not turn the answer to it into an error.
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
