"""Several applications on one port, told apart by the path."""

from collections.abc import Mapping

from gavel.runtime.http.server import Asgi, Receive, Scope, Send


def routed(by_prefix: Mapping[str, Asgi], otherwise: Asgi) -> Asgi:
    """The application whose prefix the path begins with, else `otherwise`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        for prefix, each in by_prefix.items():
            if path.startswith(prefix):
                await each(scope, receive, send)
                return
        await otherwise(scope, receive, send)

    return app
