"""An auction book on a real bid_db, with the words that a test needs to list, to bid, and to see what was stored."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from gavel.bids.adapters.postgres.writing.auction_book import PostgresAuctionBook
from gavel.bids.domain.auction import ActorId, Auction, ItemId, SoftClose, UserId
from gavel.bids.domain.bidding import new_bid
from gavel.bids.domain.decision import Answer, Decide, Decision
from gavel.bids.domain.increments import BidIncrement
from gavel.bids.domain.listing import Draft
from gavel.bids.domain.texts import Listing
from gavel.bids.ports.book import AuctionBook, Call, CommandCall, CommitListener
from gavel.bids.use_cases.list_item import list_item
from gavel.bids.use_cases.place_bid import place_bid
from gavel.runtime.postgres import connections as postgres
from tests.servers.postgres import PostgresServer

PATIENCE_SECONDS = 60.0
LANE_NAME = "tests-lane"

# A COMMIT that waits for the test: a deferred trigger runs inside of it.
COMMIT_WAITS = """
CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER commit_waits AFTER INSERT ON bids DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION wait_for_the_test()
"""

_shared_databases = count(1)


def new_user() -> ActorId:
    """Somebody new."""
    return ActorId(UserId(str(uuid4())))


SELLER = new_user()


def soon(seconds: float = PATIENCE_SECONDS, traceparent: str = "") -> Call:
    """A call that waits for so many seconds from now."""
    return CommandCall(asyncio.get_running_loop().time() + seconds, traceparent)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = PATIENCE_SECONDS) -> None:
    """Return as soon as the condition holds. Raises TimeoutError where it never does."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - what it waits for happens in another process
            await asyncio.sleep(0.005)


@dataclass(frozen=True, slots=True)
class BookWords:
    """A book, with the words that a test needs to list, to bid and to decide."""

    book: AuctionBook

    async def list_item(
        self,
        *,
        ends_in: timedelta = timedelta(hours=1),
        starts_in: timedelta | None = None,
        increment: int = 1,
        start_price: int = 1,
        soft_close: SoftClose | None = None,
        title: str = "A thing",
        category: str = "",
        call: Call | None = None,
        **prices: int,
    ) -> ItemId:
        """A new item, by default one that any raise by one unit wins. `prices`: reserve_price, buy_now_price."""
        now = datetime.now(UTC)
        draft = Draft(
            seller_id=SELLER,
            listing=Listing(title=title, category=category),
            start_at=None if starts_in is None else now + starts_in,
            end_at=now + ends_in,
            start_price=start_price,
            soft_close=soft_close or SoftClose(),
            increment=BidIncrement(fixed=increment),
            **prices,
        )
        return (await self.list_draft(draft, call=call)).auction.item_id

    async def list_draft(self, draft: Draft, *, key: str = "", call: Call | None = None) -> Answer:
        """List a draft under a new id."""
        item_id = ItemId(str(uuid4()))
        return await list_item(
            self.book, draft, item_id=item_id, currency="USD", call=call or soon(), idempotency_key=key
        )

    async def bid(
        self,
        item_id: ItemId,
        amount: int,
        *,
        by: UserId | None = None,
        max_amount: int = 0,
        key: str = "",
        call: Call | None = None,
    ) -> Answer:
        """Place a bid, by default as somebody new with much patience."""
        bid = new_bid(by or new_user(), amount, max_amount)
        return await place_bid(self.book, item_id, bid, idempotency_key=key, call=call or soon())

    async def decide(self, item_id: ItemId, decide: Decide, call: Call | None = None) -> Answer:
        """Run a decision of the test's own under the lock."""
        return await self.book.update(item_id, decide, call=call or soon())


@dataclass(frozen=True, slots=True)
class House(BookWords):
    """One book, as one process has it, its database, and every connection that its lane has opened."""

    book: PostgresAuctionBook
    pool: asyncpg.Pool
    url: str
    lane_connections: Sequence[asyncpg.Connection] = ()

    async def bids(self, item_id: ItemId) -> list[tuple[int, int]]:
        """The (seq, amount) of every stored bid, in order of seq."""
        rows = await self.pool.fetch("SELECT seq, amount FROM bids WHERE item_id = $1 ORDER BY seq", item_id)
        return [(row["seq"], row["amount"]) for row in rows]

    async def amounts(self, item_id: ItemId) -> list[int]:
        """The amounts of every stored bid, in order of seq."""
        return [amount for _, amount in await self.bids(item_id)]

    async def state(self, item_id: ItemId) -> dict[str, Any]:
        """The stored state."""
        row = await self.pool.fetchrow("SELECT * FROM auctions WHERE item_id = $1", item_id)
        assert row is not None
        return dict(row)

    async def end_now(self, item_id: ItemId) -> None:
        """Let an open item's time be up, which no guard would allow, so that nothing has to wait for it."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(
                "UPDATE auctions SET end_at = clock_timestamp() WHERE item_id = $1 AND closed_at IS NULL", item_id
            )

    async def owed_events(self) -> int:
        """How many events the outbox holds."""
        return await self.pool.fetchval("SELECT coalesce(sum(event_count), 0) FROM outbox")

    async def until_lane_waits(self) -> None:
        """Return when a side connection waits for a row lock: later commands on its item are in a later batch."""

        async def waits() -> bool:
            return await self._lanes("wait_event_type = 'Lock'") > 0

        await until(waits)

    async def no_lane_in_a_transaction(self) -> bool:
        """Whether every lane of this database is between two transactions."""
        return await self._lanes("state <> 'idle'") == 0

    async def _lanes(self, condition: str) -> int:
        return await self.pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            f" WHERE datname = current_database() AND application_name = '{LANE_NAME}' AND {condition}"
        )

    @asynccontextmanager
    async def lock_held(self, item_id: ItemId) -> AsyncGenerator[Callable[[], Awaitable[Any]]]:
        """Hold an item's row lock, so that its commands wait apart from the lane; yields its release."""
        connection = await postgres.connect(self.url, "tests-lock")
        try:
            await connection.execute("BEGIN")
            await connection.execute("SELECT FROM auctions WHERE item_id = $1 FOR UPDATE", item_id)
            yield lambda: connection.execute("ROLLBACK")
        finally:
            await connection.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_bid_db_url(postgres_server: PostgresServer) -> AsyncGenerator[str]:
    """A bid_db for the many tests that look at their own items only: to make one takes longer than such a test."""
    async with postgres_server.database(f"shared_bids_{next(_shared_databases)}", "bid_template") as url:
        yield url


@pytest.fixture
async def house(shared_bid_db_url: str) -> AsyncGenerator[House]:
    """A house on a bid_db that it shares with other tests, one after the other."""
    async with open_house(shared_bid_db_url) as opened:
        yield opened


@pytest.fixture
async def new_house(bid_db_url: str) -> AsyncGenerator[House]:
    """A house on a bid_db of its own."""
    async with open_house(bid_db_url) as opened:
        yield opened


@asynccontextmanager
async def open_house(
    url: str, lane_url: str | None = None, listeners: Sequence[CommitListener] = (), *, lanes: int = 1
) -> AsyncGenerator[House]:
    """A running book on a database; its lane may reach the database by another way than the rest."""
    connections: list[asyncpg.Connection] = []

    async def connect() -> asyncpg.Connection:
        connections.append(await postgres.connect(lane_url or url, LANE_NAME))
        return connections[-1]

    async with (
        await postgres.open_pool(url, "tests") as pool,
        PostgresAuctionBook(pool, connect, listeners, lanes=lanes).running() as book,
    ):
        yield House(book, pool, url, connections)


def unchanged(auction: Auction, at: datetime) -> Decision:
    """A decision that changes nothing: its answer tells the state under the lock."""
    return Decision(auction, at)


def explained(results: Iterable[object]) -> dict[str, int]:
    """How many results there are of each kind: answers, and what was raised by the name of its type."""
    counts: dict[str, int] = {}
    for result in results:
        name = "answers" if isinstance(result, Answer) else type(result).__name__
        counts[name] = counts.get(name, 0) + 1
    return counts
