"""Checks of HTTP requests before any handler sees them, and the refusals of a connection (RFC 9112)."""

from gavel.runtime.http.exchange import Exchange
from gavel.runtime.http.request_parser import Head
from gavel.runtime.http.responses import Response, refusal

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

NOT_HTTP = refusal(400, "invalid_argument", "this is not an HTTP/1.1 request")
NO_HOST = refusal(400, "invalid_argument", "a request needs one Host header")
CHUNKED_1_0 = refusal(400, "invalid_argument", "HTTP/1.0 knows no Transfer-Encoding")
VERSION = refusal(505, "unimplemented", "only HTTP/1.1 and HTTP/1.0 are served")
TOO_LATE = refusal(408, "deadline_exceeded", "the request was not sent in time")
HEAD_TOO_LARGE = refusal(431, "resource_exhausted", "the headers are too large")
BODY_TOO_LARGE = refusal(429, "resource_exhausted", "the body is too large")
TOO_MANY_PIPELINED = refusal(429, "resource_exhausted", "too many requests wait on this connection")
TOO_MANY = refusal(503, "unavailable", "too many connections: try again", [(b"retry-after", b"1")])


def problem_of(head: Head) -> Response | None:
    """Why a request can't be served whatever it asks for (RFC 9112, 2.3, 3.2, 6.1); None if it can."""
    if head.version not in ("1.1", "1.0"):
        return VERSION
    hosts = 0
    for name, value in head.headers:
        if name == b"host":
            hosts += 1
            if b"," in value or b" " in value:
                return NO_HOST
        elif name == b"transfer-encoding" and head.version == "1.0":
            return CHUNKED_1_0
    if hosts > 1 or (not hosts and head.version == "1.1"):
        return NO_HOST
    return None


def waits_for_continue(exchange: Exchange) -> bool:
    """Whether the client of a request sends its body only behind 100 Continue."""
    return exchange.header(b"expect").lower() == b"100-continue"
