"""HTTP responses as bytes: heads with their default fields, and refusals that are the same for every client."""

import json
import time
from collections.abc import Iterable, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple

from gavel.runtime.http.request_parser import Header

JSON_LINES = b"content-type: application/json\r\n"

_STATUS_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus}
# The Connect protocol's status of a cancelled call, which HTTP does not name.
_STATUS_LINES[499] = b"HTTP/1.1 499 Client Closed Request\r\n"
# Replies are one user's, or true for a moment, so they must not be cached. Content types are not to be guessed.
_NO_STORE, _NO_SNIFF = b"cache-control: no-store\r\n", b"x-content-type-options: nosniff\r\n"
_CLOSE = b"connection: close\r\n"


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
