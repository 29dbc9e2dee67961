"""Cross-origin resource sharing: which origins may call, and what they may send and read (Fetch, 3.3)."""

import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any

from pydantic import HttpUrl, ValidationError

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
_VARY = (b"vary", b"origin")
_EXPOSED = (b"access-control-expose-headers", b"retry-after")
_PREFLIGHT_HEADERS = (
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", _ALLOWED_HEADERS),
    (b"access-control-max-age", PREFLIGHT_SECONDS),
)
# A URL as WHATWG's serialiser writes it, without user, path, query and fragment. `*` would be allowed in its host.
_ORIGIN = re.compile(r"(https?://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]+)?)/")

Header = tuple[bytes, bytes]
_App = Callable[[Any, Any, Any], Awaitable[None]]


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

    No credentials are allowed: this API uses no cookies.
    """

    def __init__(self, origins: Collection[str]) -> None:
        """Take origins as `origins_of` returns them."""
        self._origins = frozenset(origin.encode() for origin in origins)

    def reply_headers(self, request_headers: Iterable[Header]) -> list[Header]:
        """Headers for every reply to a request, whichever part of the server writes it."""
        origin = self._listed_origin(request_headers)
        return [_VARY] if origin is None else [_VARY, (b"access-control-allow-origin", origin), _EXPOSED]

    def answering_preflights(self, app: _App) -> _App:
        """Answer preflight requests before an application. `reply_headers` are added to those answers, too."""

        async def answering(scope: Any, receive: Any, send: Any) -> None:
            if scope["method"] != "OPTIONS" or not self._is_preflight(scope["headers"]):
                await app(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT_HEADERS})
            await send({"type": "http.response.body", "body": b""})

        return answering

    def _is_preflight(self, headers: Iterable[Header]) -> bool:
        names = {name for name, _ in headers}
        return b"access-control-request-method" in names and self._listed_origin(headers) is not None

    def _listed_origin(self, headers: Iterable[Header]) -> bytes | None:
        """The origin of a request, if it is listed."""
        sent = [value for name, value in headers if name == b"origin"]
        return sent[0] if len(sent) == 1 and sent[0] in self._origins else None
