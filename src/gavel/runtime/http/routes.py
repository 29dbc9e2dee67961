"""Routing by path prefix: several applications on one port."""

from collections.abc import Mapping

from gavel.runtime.http.server import Asgi, Receive, Scope, Send


def routed(by_prefix: Mapping[str, Asgi], otherwise: Asgi) -> Asgi:
    """Route a request to the application whose prefix its path begins with, else to `otherwise`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        for prefix, each in by_prefix.items():
            if path.startswith(prefix):
                await each(scope, receive, send)
                return
        await otherwise(scope, receive, send)

    return app
