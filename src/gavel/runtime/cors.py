"""Cross-origin calls from browsers (the Fetch standard, "CORS protocol"), for the origins that are listed."""

from collections.abc import Collection

from gavel.runtime.serve import Asgi, Message, Receive, Scope, Send

PREFLIGHT_SECONDS = b"7200"

_ALLOWED = b"authorization, connect-protocol-version, connect-timeout-ms, content-type, idempotency-key, traceparent"


def allowing(origins: Collection[str], app: Asgi) -> Asgi:
    """The application, whose replies the pages of these origins may read. Without an origin: as it was."""
    if not origins:
        return app
    allowed = frozenset(origin.encode() for origin in origins)

    async def allowing_app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin not in allowed:
            await app(scope, receive, send)
            return
        told = [(b"access-control-allow-origin", origin), (b"vary", b"origin")]
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            told += [
                (b"access-control-allow-methods", b"GET, POST"),
                (b"access-control-allow-headers", _ALLOWED),
                (b"access-control-max-age", PREFLIGHT_SECONDS),
            ]
            await send({"type": "http.response.start", "status": 204, "headers": told})
            await send({"type": "http.response.body", "body": b""})
            return

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                exposed = (b"access-control-expose-headers", b"retry-after")
                message["headers"] = [*message["headers"], *told, exposed]
            await send(message)

        await app(scope, receive, telling)

    return allowing_app
