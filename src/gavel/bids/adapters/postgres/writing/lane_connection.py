"""Connection of the lane: opened when needed, discarded when in doubt."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from gavel.bids.ports.book import Unavailable
from gavel.runtime.postgres.connections import CONNECT_SECONDS_MAX, DATABASE_ERRORS, reason_of

# After a failed connect, commands are answered at once instead of each waiting for another try.
RECONNECT_PAUSE_SECONDS = 0.25
PARTING_SECONDS_MAX = 1.0

Connect = Callable[[], Awaitable[asyncpg.Connection]]
Prepare = Callable[[asyncpg.Connection], Awaitable[None]]

_log = structlog.get_logger(__name__)


class LaneConnection:
    """At most one open connection; `get` opens it again after `discard`."""

    def __init__(self, connect: Connect, prepare: Prepare) -> None:
        self._connect = connect
        self._prepare = prepare
        self._connection: asyncpg.Connection | None = None
        self._retry_at_seconds = 0.0

    async def get(self) -> asyncpg.Connection:
        """The open connection. Raises Unavailable if the database can't be reached."""
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        self.discard()
        loop = asyncio.get_running_loop()
        if loop.time() < self._retry_at_seconds:
            raise Unavailable("the database can't be reached")
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                self._connection = await self._open()
        except DATABASE_ERRORS as error:
            self._retry_at_seconds = loop.time() + RECONNECT_PAUSE_SECONDS
            _log.warning("lane_connect_failed", error=reason_of(error))
            raise Unavailable("the database can't be reached") from error
        return self._connection

    async def _open(self) -> asyncpg.Connection:
        connection = await self._connect()
        try:
            await self._prepare(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def roll_back(self) -> None:
        """End the transaction that failed, and keep the connection if it answers."""
        if self._connection is not None:
            try:
                await self._connection.execute("ROLLBACK", timeout=PARTING_SECONDS_MAX)
            except DATABASE_ERRORS:
                self.discard()

    def discard(self) -> None:
        """Drop the connection without notice to the server, which rolls back what was open."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def close(self) -> None:
        """Close the connection in good order, or else drop it."""
        if self._connection is not None and not self._connection.is_closed():
            try:
                await self._connection.close(timeout=PARTING_SECONDS_MAX)
            except DATABASE_ERRORS:
                self.discard()
        self._connection = None
