"""Event log for watchers, read from bid_db: many items in one statement, and no maximum."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime

import asyncpg

from gavel.bids.adapters.postgres.connections import reading
from gavel.bids.adapters.postgres.rows import view_of
from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.feed_events import FeedEvent, FeedKind
from gavel.bids.feed.live_feed import READERS_AT_ONCE_MAX
from gavel.bids.ports.catalogue import ItemView
from gavel.runtime.postgres.connections import array, load_sql
from gavel.runtime.redis.single_flight import SingleFlight

_READ_CLOCK = load_sql("gavel.bids.adapters.postgres", "read_clock")
_READ_NEWEST_SEQS = load_sql(__package__, "read_newest_seqs")
_READ_SEQS_BEHIND = load_sql(__package__, "read_seqs_behind")
_READ_WATCHED_ITEMS = load_sql(__package__, "read_watched_items")
_READ_EVENTS_AFTER = load_sql(__package__, "read_events_after")


# Shared reads at once. The other connections are for the one filling loop and READERS_AT_ONCE_MAX watchers.
READS_AT_ONCE_MAX = 2
CONNECTIONS_MAX = READS_AT_ONCE_MAX + READERS_AT_ONCE_MAX + 1

Seqs = tuple[Mapping[ItemId, int], datetime]
Snapshots = tuple[list[ItemView], datetime]


class PostgresFeedLog:
    """EventLog on bid_db, with a pool of CONNECTIONS_MAX connections.

    When a server comes back, thousands of watchers read the same: concurrent reads of the same items share one answer.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._reads = asyncio.Semaphore(READS_AT_ONCE_MAX)
        self._newest: SingleFlight[tuple[ItemId, ...], Seqs] = SingleFlight(self._read_newest)
        self._snapshots: SingleFlight[tuple[ItemId, ...], Snapshots] = SingleFlight(self._read_snapshots)

    async def newest(self, item_ids: Collection[ItemId]) -> Seqs:
        """See EventLog.newest."""
        return await self._newest.join(tuple(item_ids))

    async def behind(self, seqs: Mapping[ItemId, int]) -> Seqs:
        """See EventLog.behind."""
        async with reading(self._pool) as connection:
            rows = await connection.fetch(_READ_SEQS_BEHIND, array(seqs), array(seqs.values()))
            at = await connection.fetchval(_READ_CLOCK)
        return {ItemId(row["item_id"]): row["seq"] for row in rows}, at

    async def snapshots(self, item_ids: Collection[ItemId]) -> Snapshots:
        """See EventLog.snapshots."""
        return await self._snapshots.join(tuple(item_ids))

    async def after(self, seqs: Mapping[ItemId, int], limit: int) -> list[FeedEvent]:
        """See EventLog.after."""
        async with reading(self._pool) as connection:
            rows = await connection.fetch(_READ_EVENTS_AFTER, array(seqs), array(seqs.values()), limit)
        return [_event_of(row) for row in rows]

    async def _read_newest(self, item_ids: tuple[ItemId, ...]) -> Seqs:
        async with self._reads, reading(self._pool) as connection:
            rows = await connection.fetch(_READ_NEWEST_SEQS, array(item_ids))
            at = await connection.fetchval(_READ_CLOCK)
        return {ItemId(row["item_id"]): row["seq"] for row in rows}, at

    async def _read_snapshots(self, item_ids: tuple[ItemId, ...]) -> Snapshots:
        async with self._reads, reading(self._pool) as connection:
            rows = await connection.fetch(_READ_WATCHED_ITEMS, array(item_ids))
            at = await connection.fetchval(_READ_CLOCK)
        return [view_of(row) for row in rows], at


def _event_of(row: asyncpg.Record) -> FeedEvent:
    return FeedEvent(
        ItemId(row["item_id"]),
        row["seq"],
        row["created_at"],
        FeedKind(row["kind"]),
        row["price"],
        row["minimum_next_bid"],
        UserId(row["leader_id"]) if row["leader_id"] else None,
        row["end_at"],
        row["bid_count"],
        row["automatic"],
        row["sold"],
    )
