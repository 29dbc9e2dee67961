"""Log by the time of recording, read from bid_db for consumers that may have lost events."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from gavel.bids.adapters.postgres.connections import borrowed
from gavel.bids.adapters.postgres.feed.event_log import BEFORE_ALL, LOG_ROWS_MAX, recorded_bid, recorded_event
from gavel.bids.adapters.postgres.outbox.event_codec import outbox_messages
from gavel.bids.ports.outbox import OutboxMessage
from gavel.bids.ports.recorded_log import Checkpoint, RecordedSecond
from gavel.runtime.postgres.connections import leaves_connection_in_doubt, load_sql

_READ_OLDEST_WRITER = load_sql(__package__, "read_oldest_writer")
_READ_OLDEST_OWED = load_sql(__package__, "read_oldest_owed")
_COUNT_RECORDED = load_sql(__package__, "count_recorded")
_READ_BIDS_OF_SECOND = load_sql(__package__, "read_bids_of_second")
_READ_EVENTS_OF_SECOND = load_sql(__package__, "read_events_of_second")

# At 5,000 events a second 600,000 rows: a fraction of a second's work, and asked for every few seconds it catches up.
CHECKPOINT_SECONDS_MAX = 120
# More than a transaction takes from reading the clock to writing its outbox row, which is one statement at most.
SETTLE = timedelta(seconds=10)
# A plan is made once, often while the tables are empty, and must use the index by time when they are full.
LOG_SETTINGS = "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off"

_NO_ANSWER = "the log could not be read"


class PostgresRecordedLog:
    """RecordedLog on bid_db."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def checkpoint(self, since: int) -> Checkpoint:
        """See RecordedLog.checkpoint."""
        async with borrowed(self._pool, _NO_ANSWER) as connection:
            until = min(await _published_until(connection), since + CHECKPOINT_SECONDS_MAX)
            if until <= since:
                return Checkpoint(since, since)
            async with _by_time(connection):
                rows = await connection.fetch(_COUNT_RECORDED, since, until)
        return Checkpoint(since, until, [RecordedSecond(row["second"], row["events"]) for row in rows])

    async def messages(self, second: int) -> AsyncGenerator[Sequence[OutboxMessage]]:
        """See RecordedLog.messages. No connection is held while a page is published."""
        for statement, recorded in ((_READ_EVENTS_OF_SECOND, recorded_event), (_READ_BIDS_OF_SECOND, recorded_bid)):
            position = BEFORE_ALL
            while rows := await self._page(statement, *position, LOG_ROWS_MAX, second):
                position = (rows[-1]["item_id"], rows[-1]["seq"])
                yield outbox_messages([recorded(row) for row in rows])

    async def _page(self, statement: str, *arguments: object) -> Sequence[asyncpg.Record]:
        async with borrowed(self._pool, _NO_ANSWER) as connection, _by_time(connection):
            return await connection.fetch(statement, *arguments)


async def _published_until(connection: Any) -> int:
    """Return the second before which every event is committed and published.

    In this order: what commits between the two statements is seen by the second, if not by the first.
    """
    writer = await connection.fetchrow(_READ_OLDEST_WRITER)
    owed: datetime | None = await connection.fetchval(_READ_OLDEST_OWED)
    settled = [at - SETTLE for at in (writer["now"], owed) if at is not None]
    return int(min([*settled, writer["oldest"] or writer["now"]]).timestamp())


@asynccontextmanager
async def _by_time(connection: Any) -> AsyncGenerator[None]:
    """A transaction in which the log is read by its index of times."""
    await connection.execute(f"BEGIN; {LOG_SETTINGS}")
    try:
        yield
    except BaseException as error:
        if not leaves_connection_in_doubt(error):
            await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT")
