"""How fast a backlog goes: a number in a database, looked at until it has come to its end."""

import asyncio
import time
from collections.abc import Callable
from enum import Enum

from gavel.bench.case import MeasurementFailed
from gavel.runtime import postgres
from gavel.runtime.postgres import load_sql

DRAIN_SECONDS_MAX = 180.0
POLL_SECONDS = 0.05


class Gauge(Enum):
    """What is looked at."""

    OWED_EVENTS = load_sql(__package__, "count_owed_events")
    COUNTED_BIDS = load_sql(__package__, "count_counted_bids")


async def read(gauge: Gauge, url: str) -> int:
    """What it shows now."""
    connection = await postgres.connect(url, "gavel-bench")
    try:
        return await connection.fetchval(gauge.value)
    finally:
        await connection.close()


async def drained_per_s(gauge: Gauge, url: str, end: int, begin: Callable[[], None]) -> float:
    """Begin, and wait until the gauge shows `end`: how many a second, from the first that moved on.

    So the time that a process takes to start does not count. Raises MeasurementFailed where it does not come to that.
    """
    connection = await postgres.connect(url, "gavel-bench")
    try:
        shown: int = await connection.fetchval(gauge.value)
        first: tuple[float, int] | None = None
        now_seconds = time.monotonic()
        deadline_seconds = now_seconds + DRAIN_SECONDS_MAX
        beginning = asyncio.create_task(asyncio.to_thread(begin))
        while shown != end:
            await asyncio.sleep(POLL_SECONDS)
            before, shown = shown, await connection.fetchval(gauge.value)
            now_seconds = time.monotonic()
            if first is None and shown != before:
                first = now_seconds, shown
            if now_seconds > deadline_seconds:
                raise MeasurementFailed(f"{gauge.name} is {shown} after {DRAIN_SECONDS_MAX:.0f} s, not {end}")
        await beginning
    finally:
        await connection.close()
    if first is None or first[1] == end:
        raise MeasurementFailed("the backlog was gone before anything could be measured")
    return abs(end - first[1]) / (now_seconds - first[0])
