"""A past for an empty bid_db: decisions of earlier times, written as their own time would have. For the demo alone."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

import asyncpg

from gavel.bids.adapters.postgres.writing.batch_rows import DecidedRows
from gavel.bids.adapters.postgres.writing.item_opener import opening_parameters
from gavel.bids.domain.auction import Auction, ItemId
from gavel.bids.domain.decision import Decision
from gavel.bids.domain.texts import Listing
from gavel.runtime.postgres.connections import load_sql

_READ_CLOCK_IF_UNUSED = load_sql(__package__, "read_clock_if_unused")
_READ_DIGEST = load_sql(__package__, "read_digest")
_OPEN_AUCTION = load_sql(__package__, "open_auction")
_WRITE_DECISIONS = load_sql(__package__, "write_decisions")


class PastDecision(NamedTuple):
    """A decision of an earlier time: on the auction `before` it, or without one the opening of an item with texts."""

    decision: Decision
    before: Auction | None = None
    listing: Listing | None = None


async def write_past(
    connection: asyncpg.Connection, decided_until: Callable[[datetime], Iterable[PastDecision]]
) -> bool:
    """Write the decisions in order, all or none, if there is no auction yet; return whether they were written.

    `decided_until` gets the database's clock, and no decision may be of a later time. States, log, digests and outbox
    rows are those that the same decisions make live, so an audit verifies them, and consumers count their events.
    """
    async with connection.transaction():
        await connection.execute("LOCK TABLE auctions IN EXCLUSIVE MODE")
        row = await connection.fetchrow(_READ_CLOCK_IF_UNUSED)
        if row is None:
            return False
        digests: dict[ItemId, bytes] = {}
        for past in decided_until(row["at"]):
            await _write(connection, past, digests)
    return True


async def _write(connection: asyncpg.Connection, past: PastDecision, digests: dict[ItemId, bytes]) -> None:
    decision = past.decision
    if past.listing is not None:
        await connection.execute(_OPEN_AUCTION, *opening_parameters(decision, past.listing))
        item_id = decision.auction.item_id
        digests[item_id] = await connection.fetchval(_READ_DIGEST, item_id)
    elif past.before is not None:
        rows = DecidedRows(decision.at, digests)
        rows.add(past.before, decision, key=None, traceparent="")
        await connection.execute(_WRITE_DECISIONS, decision.at, *rows.arguments())
        digests.update(rows.digests)
