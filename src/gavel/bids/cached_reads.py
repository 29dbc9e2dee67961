"""Composition of cached reads: Postgres, the cache, and the writer that updates it."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from gavel.bids.adapters.memory.leaderboards import InProcessLeaderboards
from gavel.bids.adapters.postgres.reading.item_catalogue import PostgresItemCatalogue
from gavel.bids.adapters.postgres.reading.leaderboards import PostgresLeaderboards
from gavel.bids.adapters.redis.cached_leaderboards import CachedLeaderboards, LeaderboardWriter
from gavel.bids.ports.book import CommitListener
from gavel.bids.ports.catalogue import ItemCatalogue
from gavel.bids.ports.leaderboards import LeaderboardCache, Leaderboards
from gavel.runtime.http.health import Check
from gavel.runtime.redis.connection import RedisLink
from gavel.runtime.telemetry.metrics import Source


@dataclass(frozen=True, slots=True)
class CachedReads:
    """Catalogue and leaderboards, their commit listener, the checks that health shows, and metrics."""

    catalogue: ItemCatalogue
    leaderboards: Leaderboards
    listener: CommitListener
    shown: Mapping[str, Check]
    metrics: Sequence[Source]


@asynccontextmanager
async def open_cached_reads(pool: asyncpg.Pool, redis_url: str | None) -> AsyncGenerator[CachedReads]:
    """Open reads of a bid_db with a cache in Redis, which may be unavailable.

    Without a URL, leaderboards are cached in memory and items are not cached.
    """
    link: RedisLink | None = None
    cache: LeaderboardCache = InProcessLeaderboards()
    catalogue: ItemCatalogue = PostgresItemCatalogue(pool)
    shown: Mapping[str, Check] = {}
    sources: Sequence[Source] = ()
    if redis_url:
        # Here, as these import the library.
        from gavel.bids.adapters.redis.cached_item_catalogue import CachedItemCatalogue
        from gavel.bids.adapters.redis.item_texts import RedisItemTexts
        from gavel.bids.adapters.redis.leaderboards import RedisLeaderboards

        link = RedisLink(redis_url, "gavel-bid-api")
        cache = RedisLeaderboards(link)
        catalogue = cached = CachedItemCatalogue(pool, RedisItemTexts(link))
        shown, sources = {"redis": link.problem}, (cached.reads.read, link.metrics)
    writer = LeaderboardWriter(cache)
    leaderboards = CachedLeaderboards(PostgresLeaderboards(pool), cache)
    try:
        async with writer.running():
            yield CachedReads(catalogue, leaderboards, writer, shown, [leaderboards.reads.read, *sources])
    finally:
        if link is not None:
            await link.close()
