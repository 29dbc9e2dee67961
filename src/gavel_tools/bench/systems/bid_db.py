"""The benchmark's own database reads: durability settings, and events still owed to the consumer."""

import asyncio
import time

from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.connections import load_sql

_COUNT_OWED_EVENTS = load_sql(__package__, "count_owed_events")

# What decides how much a commit is worth, and so how long it takes.
SETTINGS = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers")
POLL_SECONDS = 0.1


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


def wait_until_nothing_is_owed(url: str, seconds_max: float) -> bool:
    """Wait until the consumer has everything; whether it has.

    The next measurement would pay for what the last one left.
    """
    deadline_seconds = time.monotonic() + seconds_max
    while count_owed_events(url):
        if time.monotonic() > deadline_seconds:
            return False
        time.sleep(POLL_SECONDS)
    return True
