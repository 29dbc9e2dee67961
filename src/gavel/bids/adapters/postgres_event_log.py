"""The log of all items, read as the messages that were once published: for rebuilding what is counted from them."""

from collections.abc import AsyncGenerator, Iterable

import asyncpg

from gavel.bids.adapters.postgres_rows import bid_of, terms_of
from gavel.bids.adapters.wire import RecordedEvent, outbox_messages
from gavel.bids.domain.events import AuctionCancelled, AuctionClosed, AuctionExtended, Event, ItemListed
from gavel.bids.domain.ids import ItemId, UserId
from gavel.runtime.postgres import load_sql

_READ_LOG_BIDS = load_sql(__package__, "read_log_bids")
_READ_LOG_EVENTS = load_sql(__package__, "read_log_events")

LOG_ROWS_MAX = 1_000


async def read_event_log(connection: asyncpg.Connection) -> AsyncGenerator[bytes]:
    """Every event that was committed when this is first asked, once each, as `events.v1.EventBatch` messages.

    All from one snapshot, in no order that matters; LOG_ROWS_MAX events are held at a time.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for statement, event_of in ((_READ_LOG_EVENTS, _event_of), (_READ_LOG_BIDS, bid_of)):
            cursor = await connection.cursor(statement)
            while rows := await cursor.fetch(LOG_ROWS_MAX):
                for body in _messages(
                    RecordedEvent(event_of(row), terms_of(row), row["traceparent"] or "") for row in rows
                ):
                    yield body


def _messages(recorded: Iterable[RecordedEvent]) -> list[bytes]:
    return [message.body for message in outbox_messages(list(recorded))]


def _event_of(row: asyncpg.Record) -> Event:
    """The rarer event that a row of `item_events` holds."""
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
