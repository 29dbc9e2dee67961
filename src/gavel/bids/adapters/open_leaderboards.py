"""The parts that show leaderboards, put together: Postgres, a cache in Redis or in memory, and what keeps that up."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from gavel.bids.adapters.cached_leaderboards import CachedLeaderboards, LeaderboardWriter
from gavel.bids.adapters.in_process_leaderboards import InProcessLeaderboards
from gavel.bids.adapters.postgres_leaderboards import PostgresLeaderboards
from gavel.bids.adapters.postgres_revisions import PostgresRevisions
from gavel.bids.adapters.redis_leaderboards import RedisLeaderboards
from gavel.bids.ports import CommitListener, LeaderboardCache, Leaderboards
from gavel.runtime.health import Check
from gavel.runtime.redis import RedisLink


@dataclass(frozen=True, slots=True)
class OpenLeaderboards:
    """Where boards are read, who must be told of commits, and what of it health shows."""

    leaderboards: Leaderboards
    listener: CommitListener
    shown: Mapping[str, Check]


@asynccontextmanager
async def open_leaderboards(pool: asyncpg.Pool, redis_url: str | None) -> AsyncGenerator[OpenLeaderboards]:
    """Leaderboards of a bid_db with their cache in Redis, or in memory where there is no URL. Redis may be away."""
    link = RedisLink(redis_url, "gavel-bid-api") if redis_url else None
    cache: LeaderboardCache = InProcessLeaderboards() if link is None else RedisLeaderboards(link)
    writer = LeaderboardWriter(cache)
    leaderboards = CachedLeaderboards(PostgresLeaderboards(pool), PostgresRevisions(pool), cache)
    try:
        async with writer.running():
            yield OpenLeaderboards(leaderboards, writer, {} if link is None else {"redis": link.problem})
    finally:
        if link is not None:
            await link.close()
