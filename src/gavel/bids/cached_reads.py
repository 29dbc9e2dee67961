"""The parts that read by way of a cache, put together: Postgres, the cache, and what keeps that up."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from gavel.bids.adapters.memory.leaderboards import InProcessLeaderboards
from gavel.bids.adapters.postgres.reading.item_catalogue import PostgresItemCatalogue
from gavel.bids.adapters.postgres.reading.leaderboards import PostgresLeaderboards
from gavel.bids.adapters.redis.cached_item_catalogue import CachedItemCatalogue
from gavel.bids.adapters.redis.cached_leaderboards import CachedLeaderboards, LeaderboardWriter
from gavel.bids.adapters.redis.item_texts import RedisItemTexts
from gavel.bids.adapters.redis.leaderboards import RedisLeaderboards
from gavel.bids.ports.book import CommitListener
from gavel.bids.ports.catalogue import ItemCatalogue
from gavel.bids.ports.leaderboards import LeaderboardCache, Leaderboards
from gavel.runtime.http.health import Check
from gavel.runtime.redis.connection import RedisLink
from gavel.runtime.telemetry.metrics import Source


@dataclass(frozen=True, slots=True)
class CachedReads:
    """Where items and boards are read, who must be told of commits, what of it health shows, and what was counted."""

    catalogue: ItemCatalogue
    leaderboards: Leaderboards
    listener: CommitListener
    shown: Mapping[str, Check]
    metrics: Sequence[Source]


@asynccontextmanager
async def open_cached_reads(pool: asyncpg.Pool, redis_url: str | None) -> AsyncGenerator[CachedReads]:
    """Reads of a bid_db with a cache in Redis, which may be away.

    Without a URL boards are cached in memory, and items are read as they are.
    """
    link = RedisLink(redis_url, "gavel-bid-api") if redis_url else None
    cache: LeaderboardCache = InProcessLeaderboards() if link is None else RedisLeaderboards(link)
    writer = LeaderboardWriter(cache)
    leaderboards = CachedLeaderboards(PostgresLeaderboards(pool), cache)
    try:
        async with writer.running():
            if link is None:
                yield CachedReads(PostgresItemCatalogue(pool), leaderboards, writer, {}, [leaderboards.reads.read])
            else:
                catalogue = CachedItemCatalogue(pool, RedisItemTexts(link))
                metrics = [leaderboards.reads.read, catalogue.reads.read, link.metrics]
                yield CachedReads(catalogue, leaderboards, writer, {"redis": link.problem}, metrics)
    finally:
        if link is not None:
            await link.close()
