"""Handlers for tests of the HTTP server."""

import asyncio

from gavel.runtime.http.asgi import Asgi, run_asgi
from gavel.runtime.http.exchange import Exchange


class StreamHandler:
    """Handler that hands each request to the test, which answers it."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self._exchanges: asyncio.Queue[Exchange] = asyncio.Queue()

    def admit(self, exchange: Exchange) -> None:
        """See Handler.admit."""

    def answer(self, exchange: Exchange) -> None:
        """See Handler.answer."""
        self.paths.append(exchange.path)
        self._exchanges.put_nowait(exchange)

    async def asked(self) -> Exchange:
        """The next request."""
        return await self._exchanges.get()


class AsgiHandler:
    """Handler that runs an ASGI application for each request, which it gets with the whole body in one message."""

    def __init__(self, app: Asgi) -> None:
        self._app = app

    def admit(self, exchange: Exchange) -> None:
        """See Handler.admit."""

    def answer(self, exchange: Exchange) -> None:
        """See Handler.answer."""
        exchange.run(run_asgi(self._app, exchange))
