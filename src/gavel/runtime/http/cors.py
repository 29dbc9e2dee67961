"""Cross-origin resource sharing: which origins may call, and what they may send and read (Fetch, 3.3)."""

import re
from collections.abc import Collection, Iterable, Sequence

from pydantic import HttpUrl, ValidationError

from gavel.runtime.http.exchange import Response, lines_of
from gavel.runtime.http.request_parser import Header

PREFLIGHT_SECONDS = b"7200"

# What this API reads, what clients of Connect and gRPC-Web send (connectrpc.com/docs/cors), and W3C Trace Context and
# Baggage, which OpenTelemetry's browser instrumentation sends.
_ALLOWED_HEADERS = b", ".join(
    (
        b"authorization",
        b"baggage",
        b"connect-protocol-version",
        b"connect-timeout-ms",
        b"content-type",
        b"grpc-timeout",
        b"idempotency-key",
        b"traceparent",
        b"tracestate",
        b"x-grpc-web",
        b"x-request-id",
        b"x-user-agent",
    )
)
_VARY = b"vary: origin\r\n"
_EXPOSED = b"access-control-expose-headers: retry-after\r\n"
_PREFLIGHT_HEADERS = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", _ALLOWED_HEADERS),
    (b"access-control-max-age", PREFLIGHT_SECONDS),
)
# A URL as WHATWG's serialiser writes it, without user, path, query and fragment. `*` would be allowed in its host.
_ORIGIN = re.compile(r"(https?://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]+)?)/")


def origins_of(listed: Iterable[str]) -> tuple[str, ...]:
    """The origins as browsers send them (WHATWG URL, "origin serialisation"), each once. Raises ValueError."""
    return tuple(dict.fromkeys(_origin_of(written, number) for number, written in enumerate(listed, start=1)))


def _origin_of(written: str, number: int) -> str:
    try:
        origin = _ORIGIN.fullmatch(str(HttpUrl(written)))
    except ValidationError:
        origin = None
    if origin is None:
        raise ValueError(
            f"entry {number} is not an origin: write scheme and host, and the port if it is not the default, such as"
            " https://app.example:8443; no path, no wildcard and not null"
        )
    return origin[1]


class Cors:
    """The headers by which browsers let the pages of some origins call a server and read its replies.

    No credentials are allowed: this API uses no cookies. `preflight` answers a preflight request.
    """

    preflight = Response(204, lines_of(_PREFLIGHT_HEADERS))

    def __init__(self, origins: Collection[str]) -> None:
        """Take origins as `origins_of` returns them."""
        self._origins = frozenset(origin.encode() for origin in origins)

    def reply_lines(self, request_headers: Iterable[Header]) -> bytes:
        """Header fields for every response to a request, whichever part of the server writes it."""
        origin = self._listed_origin(request_headers)
        return _VARY if origin is None else b"%baccess-control-allow-origin: %b\r\n%b" % (_VARY, origin, _EXPOSED)

    def is_preflight(self, request_headers: Sequence[Header]) -> bool:
        """Whether an OPTIONS request asks what a page of a listed origin may send."""
        names = {name for name, _ in request_headers}
        return b"access-control-request-method" in names and self._listed_origin(request_headers) is not None

    def _listed_origin(self, headers: Iterable[Header]) -> bytes | None:
        """The origin of a request, if it is listed."""
        sent = [value for name, value in headers if name == b"origin"]
        return sent[0] if len(sent) == 1 and sent[0] in self._origins else None
