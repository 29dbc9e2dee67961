"""Read the log of all items as published messages, to rebuild what is counted from them."""

from collections.abc import AsyncGenerator
from uuid import UUID

import asyncpg

from gavel.bids.adapters.postgres.outbox.event_codec import RecordedEvent, outbox_messages
from gavel.bids.adapters.postgres.rows import bid_of, terms_of
from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.events import AuctionCancelled, AuctionClosed, AuctionExtended, Event, ItemListed
from gavel.runtime.postgres.connections import load_sql

_READ_LOG_BIDS = load_sql(__package__, "read_log_bids")
_READ_LOG_EVENTS = load_sql(__package__, "read_log_events")

LOG_ROWS_MAX = 1_000
BEFORE_ALL = (UUID(int=0), 0)


async def read_event_log(connection: asyncpg.Connection) -> AsyncGenerator[bytes]:
    """Yield every event committed before the first read, once each, as `events.v1.EventBatch` messages.

    Some events committed meanwhile are included. The order has no meaning. Each LOG_ROWS_MAX rows are read in a
    statement of their own: a snapshot of the whole log would keep every row that bids and the relay replace meanwhile.
    """
    for statement, recorded in ((_READ_LOG_EVENTS, recorded_event), (_READ_LOG_BIDS, recorded_bid)):
        position = BEFORE_ALL
        while rows := await connection.fetch(statement, *position, LOG_ROWS_MAX):
            position = (rows[-1]["item_id"], rows[-1]["seq"])
            for message in outbox_messages([recorded(row) for row in rows]):
                yield message.body


def recorded_bid(row: asyncpg.Record) -> RecordedEvent:
    """Map a row of `bids`, with its auction's terms, to what was published of it."""
    return RecordedEvent(bid_of(row), terms_of(row), row["traceparent"] or "")


def recorded_event(row: asyncpg.Record) -> RecordedEvent:
    """Map a row of `item_events`, with its auction's terms, to what was published of it."""
    return RecordedEvent(_event_of(row), terms_of(row), row["traceparent"] or "")


def _event_of(row: asyncpg.Record) -> Event:
    """Map a row of `item_events` to its event."""
    item_id, seq, at = ItemId(str(row["item_id"])), row["seq"], row["created_at"]
    match row["kind"]:
        case "listed":
            return ItemListed(item_id, seq, at, row["title"])
        case "extended":
            return AuctionExtended(item_id, seq, at, row["event_end_at"])
        case "closed":
            winner_id = UserId(str(row["leader_id"])) if row["sold"] else None
            return AuctionClosed(item_id, seq, at, row["sold"], winner_id, row["price"] if winner_id else 0)
        case _:
            return AuctionCancelled(item_id, seq, at)
