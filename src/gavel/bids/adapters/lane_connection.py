"""The lane's own connection: opened when needed, thrown away when in doubt."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from gavel.bids.ports import Unavailable

# After a failed connect, commands are answered at once instead of each waiting for another try.
RECONNECT_PAUSE_SECONDS = 0.25
CONNECT_SECONDS_MAX = 3.0

Connect = Callable[[], Awaitable[asyncpg.Connection]]

_log = structlog.get_logger(__name__)


class LaneConnection:
    """At most one open connection; `get` opens it again after `discard`."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: asyncpg.Connection | None = None
        self._retry_at_seconds = 0.0

    @property
    def is_open(self) -> bool:
        """Whether a connection is held that nobody has seen fail."""
        return self._connection is not None and not self._connection.is_closed()

    async def get(self) -> asyncpg.Connection:
        """The open connection. Raises Unavailable where the database can't be reached."""
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        loop = asyncio.get_running_loop()
        if loop.time() < self._retry_at_seconds:
            raise Unavailable("the database can't be reached")
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                self._connection = await self._connect()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self._retry_at_seconds = loop.time() + RECONNECT_PAUSE_SECONDS
            _log.warning("lane_connect_failed", error=type(error).__name__)
            raise Unavailable("the database can't be reached") from error
        return self._connection

    def discard(self) -> None:
        """Drop the connection without a word to the server, which rolls back what was open."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            connection.terminate()
