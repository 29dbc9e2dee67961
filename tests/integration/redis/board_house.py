"""An auction house whose leaderboards are cached in Redis, built as a process builds it, but to look into."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gavel.bids.adapters.postgres.reading.leaderboards import PostgresLeaderboards
from gavel.bids.adapters.postgres.writing.auction_book import PostgresAuctionBook
from gavel.bids.adapters.redis.cached_leaderboards import CachedLeaderboards, LeaderboardWriter
from gavel.bids.adapters.redis.leaderboards import RedisLeaderboards
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.leaderboards import Leaderboard
from gavel.bids.ports.leaderboards import LEADERBOARD_ENTRIES_MAX, CacheAway
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.redis.circuit_breaker import CircuitBreaker
from gavel.runtime.redis.connection import RedisLink
from tests.auction_house import LANE_NAME, House, until

ALL = LEADERBOARD_ENTRIES_MAX
# Waiting for an unavailable Redis must not hang.
READ_SECONDS_MAX = 10.0


class CountedLeaderboards(PostgresLeaderboards):
    """The same, and how often it was read."""

    reads = 0

    async def board(self, item_id: ItemId, limit: int) -> Leaderboard:
        """See Leaderboards.board."""
        self.reads += 1
        return await super().board(item_id, limit)


@dataclass(frozen=True, slots=True)
class BoardHouse:
    """One process's book, its leaderboards, and the cache that it shares with others."""

    house: House
    committed: CountedLeaderboards
    cache: RedisLeaderboards
    link: RedisLink
    breaker: CircuitBreaker
    writer: LeaderboardWriter
    leaderboards: CachedLeaderboards

    async def board(self, item_id: ItemId) -> Leaderboard:
        """The whole board as the process shows it, in bounded time."""
        async with asyncio.timeout(READ_SECONDS_MAX):
            return await self.leaderboards.board(item_id, ALL)

    async def true_board(self, item_id: ItemId) -> Leaderboard:
        """The whole board as Postgres has it."""
        return await PostgresLeaderboards(self.house.pool).board(item_id, ALL)

    async def until_cached(self, item_id: ItemId) -> None:
        """Return when the cache has the board that Postgres has, from any writer."""

        async def cached() -> bool:
            try:
                return await self.cache.read(item_id, ALL) == await self.true_board(item_id)
            except CacheAway:
                return False

        await until(cached)

    async def until_shown_from_cache(self, item_id: ItemId) -> None:
        """Return when a read was answered without the standings; others may have to come first."""

        async def spared() -> bool:
            reads = self.committed.reads
            assert await self.board(item_id) == await self.true_board(item_id)
            return self.committed.reads == reads

        await until(spared)


@asynccontextmanager
async def open_board_house(
    bid_db_url: str, redis_url: str, prefix: str, *, patient: bool = False, told: bool = True
) -> AsyncGenerator[BoardHouse]:
    """A process on a database and a Redis.

    A `patient` one waits for Redis longer than a busy machine takes; one that is not `told` of commits writes none.
    """
    breaker = CircuitBreaker(open_seconds=0.2)
    link = RedisLink(redis_url, "tests", answer_seconds_max=10 if patient else 0.05, breaker=breaker)
    cache = RedisLeaderboards(link, prefix)
    writer = LeaderboardWriter(cache)
    async with (
        await postgres.open_pool(bid_db_url, "tests") as pool,
        writer.running(),
        PostgresAuctionBook(
            pool, lambda: postgres.connect(bid_db_url, LANE_NAME), [writer] if told else []
        ).running() as book,
    ):
        committed = CountedLeaderboards(pool)
        leaderboards = CachedLeaderboards(committed, cache)
        yield BoardHouse(House(book, pool, bid_db_url), committed, cache, link, breaker, writer, leaderboards)
    await link.close()
