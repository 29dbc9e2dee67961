"""The baseline decides as Gavel does, or its figures would mean nothing."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta

import asyncpg
import pytest
import pytest_asyncio

from gavel.bids.adapters.postgres.writing.auction_book import PostgresAuctionBook
from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.bidding import new_bid
from gavel.bids.domain.decision import Answer
from gavel.bids.domain.increments import BidIncrement
from gavel.bids.domain.listing import Draft
from gavel.bids.domain.refusals import BidRefused, ItemNotFound
from gavel.bids.domain.texts import Listing
from gavel.bids.ports.book import CommandCall, DeadlineExceeded
from gavel.bids.use_cases.list_item import list_item
from gavel.bids.use_cases.place_bid import place_bid
from gavel.contracts.events.v1.auction_events_pb import EventBatch
from gavel.runtime.postgres import connections as postgres
from gavel_tools.bench.systems.naive_auction_book import NaiveAuctionBook

pytestmark = pytest.mark.integration

ITEM = ItemId("11111111-0000-4000-8000-000000000001")
SELLER = UserId("22222222-0000-4000-8000-000000000001")
BIDDERS = [UserId(f"33333333-0000-4000-8000-{number:012x}") for number in range(64)]


def call(seconds: float = 30) -> CommandCall:
    return CommandCall(asyncio.get_running_loop().time() + seconds)


async def open_item(book: NaiveAuctionBook, now: datetime, end_in: timedelta = timedelta(days=1)) -> None:
    draft = Draft(
        seller_id=SELLER,
        listing=Listing(title="Measured"),
        end_at=now + end_in,
        start_price=1,
        increment=BidIncrement(fixed=1),
    )
    await list_item(book, draft, item_id=ITEM, currency="USD", call=call())


async def bid(book: NaiveAuctionBook, user_id: UserId, amount: int, maximum: int = 0, key: str = "") -> Answer:
    return await place_bid(book, ITEM, new_bid(user_id, amount, maximum), idempotency_key=key, call=call())


@pytest_asyncio.fixture
async def book(bid_pool: asyncpg.Pool, bid_db_url: str) -> AsyncGenerator[NaiveAuctionBook]:
    async def connect() -> asyncpg.Connection:
        return await postgres.connect(bid_db_url, "tests")

    async with PostgresAuctionBook(bid_pool, connect).running() as beside:
        yield NaiveAuctionBook(bid_pool, beside)


async def test_of_many_equal_bids_at_once_one_is_accepted(book: NaiveAuctionBook, bid_pool: asyncpg.Pool) -> None:
    await open_item(book, await bid_pool.fetchval("SELECT now()"))
    outcomes = await asyncio.gather(*(bid(book, bidder, 100) for bidder in BIDDERS), return_exceptions=True)
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    assert len(accepted) == 1
    assert sum(isinstance(outcome, BidRefused) for outcome in outcomes) == len(BIDDERS) - 1
    assert accepted[0].auction.price == 100


async def test_what_one_bid_writes_stands_in_every_table(book: NaiveAuctionBook, bid_pool: asyncpg.Pool) -> None:
    await open_item(book, await bid_pool.fetchval("SELECT now()"))
    first, second = await bid(book, BIDDERS[0], 100), await bid(book, BIDDERS[1], 150)
    assert first.bid is not None
    assert second.bid is not None
    assert (second.bid.seq, second.bid.outbid_user_id, second.auction.bid_count) == (3, BIDDERS[0], 2)
    [state] = await bid_pool.fetch(
        "SELECT price, leader_id::text, bid_count, seq, last_bid_seq, revision FROM auctions"
    )
    assert tuple(state) == (150, BIDDERS[1], 2, 3, 3, 3)
    rows = await bid_pool.fetch("SELECT seq, user_id::text, amount, bid_count, created_at FROM bids ORDER BY seq")
    assert [tuple(row) for row in rows] == [
        (2, BIDDERS[0], 100, 1, first.at),
        (3, BIDDERS[1], 150, 2, second.at),
    ]
    bodies = await bid_pool.fetch("SELECT body FROM outbox WHERE routing_key = 'bid.placed' ORDER BY id")
    events = [event for row in bodies for event in EventBatch.from_binary(row["body"]).events]
    assert [(event.seq, event.item_id) for event in events] == [(2, ITEM), (3, ITEM)]


async def test_a_refused_bid_leaves_nothing(book: NaiveAuctionBook, bid_pool: asyncpg.Pool) -> None:
    await open_item(book, await bid_pool.fetchval("SELECT now()"))
    await bid(book, BIDDERS[0], 100)
    with pytest.raises(BidRefused):
        await bid(book, BIDDERS[1], 100)
    assert await bid_pool.fetchval("SELECT count(*) FROM bids") == 1
    assert await bid_pool.fetchval("SELECT count(*) FROM outbox WHERE routing_key = 'bid.placed'") == 1


async def test_an_unknown_item_is_not_found(book: NaiveAuctionBook) -> None:
    with pytest.raises(ItemNotFound):
        await bid(book, BIDDERS[0], 100)


async def test_raised_maxima_keys_and_extensions_go_through_the_book_beside(
    book: NaiveAuctionBook, bid_pool: asyncpg.Pool
) -> None:
    await open_item(book, await bid_pool.fetchval("SELECT now()"), end_in=timedelta(seconds=50))
    extended = await bid(book, BIDDERS[0], 100)
    assert extended.auction.seq == 3
    assert await bid_pool.fetchval("SELECT kind FROM item_events WHERE seq = 3") == "extended"
    await bid(book, BIDDERS[0], 100, maximum=500)
    assert await bid_pool.fetchval("SELECT maximum FROM maximum_raises") == 500
    first, again = [await bid(book, BIDDERS[1], 600, key="once") for _ in range(2)]
    assert (first.bid, again.replayed) == (again.bid, True)


async def test_a_bid_that_waits_too_long_for_the_lock_fails_with_its_deadline_and_leaves_nothing(
    book: NaiveAuctionBook, bid_pool: asyncpg.Pool
) -> None:
    await open_item(book, await bid_pool.fetchval("SELECT now()"))
    async with bid_pool.acquire() as holder, holder.transaction():
        await holder.execute("SELECT FROM auctions WHERE item_id = $1 FOR UPDATE", ITEM)
        with pytest.raises(DeadlineExceeded):
            await place_bid(book, ITEM, new_bid(BIDDERS[0], 100, 0), idempotency_key="", call=call(seconds=0.2))
    assert await bid_pool.fetchval("SELECT count(*) FROM bids") == 0
