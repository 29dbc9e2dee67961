"""GET /livez and GET /readyz: alive as long as the loop turns, ready when every check says so."""

import json
from collections.abc import Awaitable, Callable, Mapping

from gavel import __version__
from gavel.runtime.http.server import Asgi, Receive, Scope, Send

# A check returns None where all is well, else what is wrong in a few words.
Check = Callable[[], Awaitable[str | None]]


def health_app(checks: Mapping[str, Check], shown: Mapping[str, Check] | None = None) -> Asgi:
    """The two probes; 503 with the reasons where a check fails. Anything else is 404.

    Problems of what is `shown` are told and keep nobody from being ready: work goes on without it.
    """

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["path"] == "/livez":
            await send_json(send, 200, {"status": "alive", "version": __version__})
        elif scope["path"] == "/readyz":
            problems, also = await _problems(checks), await _problems(shown or {})
            status = {"status": "not ready" if problems else "ready"}
            await send_json(send, 503 if problems else 200, status | also | problems)
        else:
            await send_json(send, 404, {"code": "not_found", "message": "no such page"})

    return app


async def send_json(send: Send, status: int, value: object) -> None:
    """One JSON reply."""
    body = json.dumps(value).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _problems(checks: Mapping[str, Check]) -> dict[str, str]:
    return {name: problem for name, check in checks.items() if (problem := await check()) is not None}
