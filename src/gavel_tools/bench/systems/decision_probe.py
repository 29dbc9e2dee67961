"""Decisions alone, from enqueue to commit: `python -m gavel_tools.bench.systems.decision_probe URL BIDS PAUSE`.

A process of its own with a PostgresAuctionBook on the bid_db at URL. It opens an auction, places BIDS bids one at a
time with PAUSE seconds between them, each followed by a statement that does nothing, and prints the times of both in
milliseconds as JSON: a decision is four round trips to the database, whatever else it does.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable
from datetime import datetime, timedelta
from uuid import uuid4

import asyncpg
import uvloop

from gavel.bids.adapters.postgres.writing.auction_book import PostgresAuctionBook
from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.bidding import new_bid
from gavel.bids.domain.increments import BidIncrement
from gavel.bids.domain.listing import Draft, Listing
from gavel.bids.ports.book import AuctionBook, CommandCall
from gavel.bids.use_cases.list_item import list_item
from gavel.bids.use_cases.place_bid import place_bid
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.connections import load_sql

_READ_CLOCK = load_sql(__package__, "read_clock")

_NOTHING = "SELECT 1"

CALL_SECONDS_MAX = 10.0
# Not counted: the first bids open the connection and prepare the statements.
WARMUP_BIDS = 20


def _call() -> CommandCall:
    return CommandCall(asyncio.get_running_loop().time() + CALL_SECONDS_MAX)


async def time_decisions(url: str, bids: int, pause_seconds: float) -> dict[str, list[float]]:
    """The times of the decisions and of the round trips, in milliseconds."""

    async def connect() -> asyncpg.Connection:
        return await postgres.connect(url, "gavel-lane")

    async with (
        await postgres.open_pool(url, "gavel-bench") as pool,
        PostgresAuctionBook(pool, connect).running() as book,
        pool.acquire() as connection,
    ):
        item_id = await _open_item(book, await pool.fetchval(_READ_CLOCK))
        bidders = [UserId(str(uuid4())) for _ in range(2)]
        decisions_ms: list[float] = []
        round_trips_ms: list[float] = []
        for number in range(1, WARMUP_BIDS + bids + 1):
            bid = new_bid(bidders[number % 2], number, 0)
            place = place_bid(book, item_id, bid, idempotency_key="", call=_call())
            decisions_ms.append(await _time_ms(pause_seconds, place))
            round_trips_ms.append(await _time_ms(pause_seconds, connection.execute(_NOTHING)))
        return {"decisions_ms": decisions_ms[WARMUP_BIDS:], "round_trips_ms": round_trips_ms[WARMUP_BIDS:]}


async def _time_ms(pause_seconds: float, work: Awaitable[object]) -> float:
    """How long the work takes, begun after a pause, in which the system comes to rest."""
    await asyncio.sleep(pause_seconds)
    began_seconds = time.perf_counter()
    await work
    return (time.perf_counter() - began_seconds) * 1_000


async def _open_item(book: AuctionBook, now: datetime) -> ItemId:
    item_id = ItemId(str(uuid4()))
    draft = Draft(
        seller_id=UserId(str(uuid4())),
        listing=Listing(title="Measured", description="", category="decision"),
        end_at=now + timedelta(days=1),
        start_price=1,
        increment=BidIncrement(fixed=1),
    )
    await list_item(book, draft, item_id=item_id, currency="USD", call=_call())
    return item_id


def main() -> None:
    """Print the times."""
    url, bids, pause_seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    print(json.dumps(uvloop.run(time_decisions(url, bids, pause_seconds))))


if __name__ == "__main__":
    main()
