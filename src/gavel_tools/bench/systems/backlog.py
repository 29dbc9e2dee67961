"""Synthetic backlog: bids in the outbox, in rows as the lane writes them, each event distinct."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import uuid4

from gavel.bids.adapters.postgres.outbox.event_codec import RecordedEvent, outbox_messages
from gavel.bids.domain.auction import ItemId, Terms, UserId
from gavel.bids.domain.events import BidPlaced
from gavel.bids.ports.outbox import OutboxMessage
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.connections import load_sql

_INSERT_BACKLOG = load_sql(__package__, "insert_backlog")

ITEMS = 50
# A prime, so that every bidder comes to every item.
BIDDERS = 997
# What one batch commits where 64 connections bid without a pause.
ROW_EVENTS = 64
INSERT_ROWS_MAX = 200


async def owe_bids(bid_db_url: str, events: int) -> None:
    """Write so many bids to the outbox, and to nothing else: for the relay and the counter they are like any."""
    connection = await postgres.connect(bid_db_url, "gavel-bench")
    try:
        rows = _rows(events)
        while some := list(islice(rows, INSERT_ROWS_MAX)):
            columns = zip(*((row.routing_key, row.event_count, row.body) for row in some), strict=True)
            await connection.execute(_INSERT_BACKLOG, *map(list, columns))
    finally:
        await connection.close()


def _rows(events: int) -> Generator[OutboxMessage]:
    bids = _bids(datetime.now(UTC))
    for first in range(0, events, ROW_EVENTS):
        yield from outbox_messages(list(islice(bids, min(ROW_EVENTS, events - first))))


def _bids(at: datetime) -> Generator[RecordedEvent]:
    """Bids without end, on all items in turn; those of a batch have one time, as those of a lane have."""
    bidders = [UserId(str(uuid4())) for _ in range(BIDDERS)]
    items = [ItemId(str(uuid4())) for _ in range(ITEMS)]
    end_at = at + timedelta(days=1)
    terms = Terms(seller_id=UserId(str(uuid4())), currency="USD", start_at=at, scheduled_end_at=end_at, start_price=1)
    number = 0
    while True:
        turn = number // ITEMS + 1
        bid = BidPlaced(
            item_id=items[number % ITEMS],
            seq=turn + 1,
            at=at + timedelta(milliseconds=number // ROW_EVENTS),
            user_id=bidders[number % BIDDERS],
            amount=turn,
            maximum=turn,
            automatic=False,
            outbid_user_id=bidders[(number - ITEMS) % BIDDERS],
            bid_count=turn,
            minimum_next_bid=turn + 1,
            end_at=end_at,
        )
        yield RecordedEvent(bid, terms, "")
        number += 1
