"""The benchmark's own database reads: durability settings, and events still owed to the consumer."""

import asyncio
import time

from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.connections import load_sql
from gavel_tools.bench.case import MeasurementFailed

_COUNT_OWED_EVENTS = load_sql(__package__, "count_owed_events")

# What decides how much a commit is worth, and so how long it takes.
SETTINGS = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers")
POLL_SECONDS = 0.1
DRAIN_SECONDS_MAX = 120.0


def read_settings(url: str) -> dict[str, str]:
    """The settings that a commit's cost depends on, as the server shows them."""

    async def read() -> dict[str, str]:
        connection = await postgres.connect(url, "gavel-bench")
        try:
            return {name: await connection.fetchval(f"SHOW {name}") for name in SETTINGS}
        finally:
            await connection.close()

    return asyncio.run(read())


def count_owed_events(url: str) -> int:
    """How many events are committed and not yet with the consumer."""

    async def count() -> int:
        connection = await postgres.connect(url, "gavel-bench")
        try:
            return await connection.fetchval(_COUNT_OWED_EVENTS)
        finally:
            await connection.close()

    return asyncio.run(count())


def drain(url: str) -> None:
    """Wait until the consumer has every event: the next measurement would pay for what the last one left.

    Raises MeasurementFailed after DRAIN_SECONDS_MAX.
    """
    deadline_seconds = time.monotonic() + DRAIN_SECONDS_MAX
    while owed := count_owed_events(url):
        if time.monotonic() > deadline_seconds:
            raise MeasurementFailed(f"{owed} events were still owed {DRAIN_SECONDS_MAX:.0f} s after the load had ended")
        time.sleep(POLL_SECONDS)
