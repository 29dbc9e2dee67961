"""Calls at an even pace, whether the server keeps up or not, over kept connections."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from gavel_tools.bench.case import MeasurementFailed
from gavel_tools.bench.systems.processes import HOST
from gavel_tools.bidders.http_connection import HttpConnection, address_of

PLACE_BID = "/bids.v1.BidService/PlaceBid"
GET_USER_STATS = "/userstats.v1.UserStatsService/GetUserStats"

CALL_SECONDS_MAX = 10.0


class Connections:
    """Kept connections to one server, each with one call under way at most."""

    def __init__(self, port: int, count: int) -> None:
        self._all = [HttpConnection(address_of(f"http://{HOST}:{port}")) for _ in range(count)]
        self._free: asyncio.Queue[HttpConnection] = asyncio.Queue()
        for connection in self._all:
            self._free.put_nowait(connection)

    async def call(self, path: str, body: bytes, expected: Sequence[int] = (HTTPStatus.OK,)) -> tuple[int, bytes]:
        """Status and body of the answer, on the next free connection. Raises MeasurementFailed for any other status."""
        connection = await self._free.get()
        try:
            reply = await connection.post(path, body, CALL_SECONDS_MAX)
        finally:
            self._free.put_nowait(connection)
        if reply.status not in expected:
            raise MeasurementFailed(f"{path} was answered {reply.status}: {reply.body.decode(errors='replace')}")
        return reply.status, reply.body

    def close(self) -> None:
        """Cut them all."""
        for connection in self._all:
            connection.close()


@asynccontextmanager
async def connections_to(port: int, count: int) -> AsyncGenerator[Connections]:
    """Connections for the context."""
    connections = Connections(port, count)
    try:
        yield connections
    finally:
        connections.close()


async def at_pace(per_s: float, seconds: float, act: Callable[[int, float], Coroutine[Any, Any, None]]) -> float:
    """Start `act(number, due_seconds)` at even times, whether those before have ended or not, and wait for all.

    `due_seconds` is when it was to start, by `time.perf_counter`: a delay that is counted from there includes what a
    late start adds. Timers have milliseconds, so a start may also be early by a part of one. Returns how many a second
    ended. Raises what the first that fails raises.
    """
    began_seconds = time.perf_counter()
    count = round(per_s * seconds)
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                due_seconds = began_seconds + number / per_s
                await asyncio.sleep(due_seconds - time.perf_counter())
                group.create_task(act(number, due_seconds))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return count / (time.perf_counter() - began_seconds)
