"""ASGI applications behind an exchange, for libraries that bring one (the static page)."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from gavel.runtime.http.exchange import SERVER_ERROR, Exchange, Response, lines_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
# Any, because libraries have types of their own for the same thing.
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Asgi = Callable[[Any, Receive, Send], Awaitable[None]]

_log = structlog.get_logger(__name__)


async def run_asgi(app: Asgi, exchange: Exchange) -> None:
    """Answer a request by an ASGI application. If it fails, the reply is 500, or cut off if it has begun."""
    receive, send = _channels_of(exchange)
    try:
        await app(_scope_of(exchange), receive, send)
    except Exception:  # noqa: BLE001 - logged; the client gets 500
        _log.exception("unexpected_error", path=exchange.path)
    if exchange.is_answered:
        return
    if exchange.has_begun:
        exchange.abort()
    else:
        exchange.respond(SERVER_ERROR, close=True)


def _scope_of(exchange: Exchange) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": exchange.version,
        "method": exchange.method,
        "scheme": "http",
        "path": exchange.path,
        "query_string": exchange.query,
        "root_path": "",
        "headers": exchange.headers,
        "client": (exchange.client_host, 0) if exchange.client_host else None,
    }


def _channels_of(exchange: Exchange) -> tuple[Receive, Send]:
    unread, lost = [exchange.body], asyncio.Event()
    exchange.on_lost = lost.set
    head: list[tuple[int, bytes]] = []

    async def receive() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        await lost.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            # Held back until the first part of the body: then both leave in one write.
            head.append((message["status"], lines_of((name.lower(), value) for name, value in message["headers"])))
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if not exchange.has_begun:
            [(status, lines)] = head
            if not more:
                exchange.respond(Response(status, lines, body))
                return
            exchange.begin(status, lines)
        exchange.write(body)
        if more:
            await exchange.drained()
        else:
            exchange.end()

    return receive, send
