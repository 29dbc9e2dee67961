"""The baseline: the auction book as it is usually written, one transaction a bid.

It is meant to be written well: prepared statements, a pool, the same schema, the same durability, the same decisions.
What it lacks is the lane. A row lock is held through the flush of the WAL, so the bids on one item wait for one flush
each, however many connections there are.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import asyncpg

from gavel.bids.adapters.postgres.outbox.event_codec import RecordedEvent, outbox_messages
from gavel.bids.adapters.postgres.rows import auction_of
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.decision import Answer, Decide, Decision, RetryKey
from gavel.bids.domain.events import BidPlaced
from gavel.bids.domain.listing import Listing
from gavel.bids.domain.refusals import ItemNotFound
from gavel.bids.ports.book import Answered, AuctionBook, Call, DeadlineExceeded, Submitted, Unavailable
from gavel.runtime.postgres.connections import load_sql

_LOCK_AUCTION = load_sql(__package__, "lock_auction")
_READ_CLOCK = load_sql(__package__, "read_clock")
_INSERT_BID = load_sql(__package__, "insert_bid")
_UPDATE_AUCTION = load_sql(__package__, "update_auction")
_INSERT_OUTBOX = load_sql(__package__, "insert_outbox")

POOL_CONNECTIONS_MAX = 16

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


class _NotPlain(Exception):
    """The decision is more than bids. Nothing was written."""


class _UnderWay:
    """Submitted whose transaction has begun."""

    def withdraw(self) -> bool:
        """See Submitted.withdraw."""
        return False


class NaiveAuctionBook:
    """AuctionBook for plain bids on bid_db: lock, clock, decide, INSERT, UPDATE, INSERT, COMMIT.

    All else (new items, keys, raised maxima, the rarer events) is left to the book beside it. The row lock arbitrates
    between the two, as it does between any number of processes.
    """

    def __init__(self, pool: asyncpg.Pool, beside: AuctionBook) -> None:
        self._pool = pool
        self._beside = beside
        # The loop itself holds its tasks by weak references only.
        self._deciding: set[asyncio.Task[None]] = set()

    def submit(
        self, item_id: ItemId, decide: Decide, answered: Answered, *, call: Call, key: RetryKey | None = None
    ) -> Submitted:
        """See AuctionBook.submit. Nothing is queued, so nothing can be withdrawn."""

        async def answer() -> None:
            try:
                outcome = await self.update(item_id, decide, call=call, key=key)
            except Exception as error:  # noqa: BLE001 - handed to the caller
                outcome = error
            answered(outcome)

        task = asyncio.create_task(answer())
        self._deciding.add(task)
        task.add_done_callback(self._deciding.discard)
        return _UnderWay()

    async def update(self, item_id: ItemId, decide: Decide, *, call: Call, key: RetryKey | None = None) -> Answer:
        """See AuctionBook.update."""
        if key is not None:
            return await self._beside.update(item_id, decide, call=call, key=key)
        try:
            async with (
                asyncio.timeout_at(call.deadline_seconds),
                self._pool.acquire() as connection,
                connection.transaction(),
            ):
                return await _decide(connection, item_id, decide, call.traceparent)
        except _NotPlain:
            return await self._beside.update(item_id, decide, call=call)
        except TimeoutError as error:
            raise DeadlineExceeded from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Unavailable("the bid may not have been accepted") from error

    async def open(
        self, open_at: Callable[[datetime], Decision], listing: Listing, *, call: Call, key: RetryKey | None = None
    ) -> Answer:
        """See AuctionBook.open."""
        return await self._beside.open(open_at, listing, call=call, key=key)

    def last_seen(self, item_id: ItemId) -> None:  # noqa: ARG002 - it remembers nothing
        """See AuctionBook.last_seen."""
        return


async def _decide(connection: Connection, item_id: ItemId, decide: Decide, traceparent: str) -> Answer:
    row = await connection.fetchrow(_LOCK_AUCTION, item_id)
    if row is None:
        raise ItemNotFound(item_id)
    at = await connection.fetchval(_READ_CLOCK)
    decision = decide(auction_of(row), at)
    bids = [event for event in decision.events if isinstance(event, BidPlaced)]
    if not bids or len(bids) < len(decision.events):
        raise _NotPlain
    for bid in bids:
        await connection.execute(_INSERT_BID, *_bid_row(bid, traceparent))
    await connection.execute(_UPDATE_AUCTION, *_state_row(decision))
    for message in outbox_messages([RecordedEvent(bid, decision.auction.terms, traceparent) for bid in bids]):
        await connection.execute(_INSERT_OUTBOX, message.routing_key, message.event_count, message.body)
    return Answer(decision.auction, at, bids[0])


def _bid_row(bid: BidPlaced, traceparent: str) -> tuple[object, ...]:
    return (
        bid.at,
        bid.item_id,
        bid.seq,
        bid.user_id,
        bid.amount,
        bid.maximum,
        bid.automatic,
        bid.outbid_user_id,
        bid.bid_count,
        bid.minimum_next_bid,
        bid.end_at,
        traceparent or None,
    )


def _state_row(decision: Decision) -> tuple[object, ...]:
    after = decision.auction
    return (
        after.item_id,
        decision.at,
        after.price,
        after.leader_id,
        after.leader_maximum,
        after.bid_count,
        after.last_bid_seq,
        after.seq,
        after.revision,
    )
