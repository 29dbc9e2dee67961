"""Trace of one bid in bid_db, found by its id alone. For operators, never for a decision."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from gavel.bids.domain.auction import EventId, ItemId, event_id
from gavel.runtime.postgres.connections import load_sql

_FIND_BIDS_BY_TIME = load_sql(__package__, "find_bids_by_time")
_READ_BID_TRACE = load_sql(__package__, "read_bid_trace")
_FIND_OWED_EVENT = load_sql(__package__, "find_owed_event")

# No index covers a bid's time, so the whole log may have to be read.
FIND_SECONDS_MAX = 120.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BidTrace:
    """A bid in the log, and what became of it. Times are bid_db's; None for what did not happen.

    `committed_at` is None, too, if the server keeps no commit times (track_commit_timestamp).
    """

    item_id: ItemId
    seq: int
    user_id: str
    amount: int
    currency: str
    automatic: bool
    traceparent: str
    decided_at: datetime
    committed_at: datetime | None
    owed_since: datetime | None
    outbid_seq: int | None
    outbid_amount: int | None
    outbid_at: datetime | None
    closed_at: datetime | None
    won: bool


async def bid_trace(connection: asyncpg.Connection, bid_id: EventId) -> BidTrace | None:
    """The trace of a bid; None if there is no such bid."""
    milliseconds = int(bid_id[:8] + bid_id[9:13], 16)
    try:
        at = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
    for found in await connection.fetch(_FIND_BIDS_BY_TIME, at, timeout=FIND_SECONDS_MAX):
        item_id, seq, decided_at = ItemId(found["item_id"]), found["seq"], found["created_at"]
        if event_id(item_id, seq, decided_at) == bid_id:
            [row] = await connection.fetch(_READ_BID_TRACE, item_id, seq)
            owed_since = await connection.fetchval(_FIND_OWED_EVENT, bid_id)
            return _way(item_id, seq, decided_at, row, owed_since)
    return None


def _way(item_id: ItemId, seq: int, decided_at: datetime, row: asyncpg.Record, owed_since: datetime | None) -> BidTrace:
    return BidTrace(
        item_id,
        seq,
        row["user_id"],
        row["amount"],
        row["currency"],
        row["automatic"],
        row["traceparent"] or "",
        decided_at,
        row["committed_at"],
        owed_since,
        row["outbid_seq"],
        row["outbid_amount"],
        row["outbid_at"],
        row["ended_at"],
        row["won"],
    )
