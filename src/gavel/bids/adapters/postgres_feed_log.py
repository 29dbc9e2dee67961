"""The log as watchers are told it, read from bid_db: many items in one statement, and no maximum."""

from collections.abc import Collection, Mapping
from datetime import datetime

import asyncpg

from gavel.bids.adapters.postgres_access import reading
from gavel.bids.adapters.postgres_decided import array
from gavel.bids.adapters.postgres_rows import view_of
from gavel.bids.domain.feed_events import FeedEvent, FeedKind
from gavel.bids.domain.ids import ItemId, UserId
from gavel.bids.ports import ItemView
from gavel.runtime.postgres import load_sql

_READ_CLOCK = load_sql(__package__, "read_clock")
_READ_NEWEST_SEQS = load_sql(__package__, "read_newest_seqs")
_READ_SEQS_BEHIND = load_sql(__package__, "read_seqs_behind")
_READ_WATCHED_ITEMS = load_sql(__package__, "read_watched_items")
_READ_EVENTS_AFTER = load_sql(__package__, "read_events_after")


class PostgresFeedLog:
    """EventLog on bid_db."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def newest(self, item_ids: Collection[ItemId]) -> tuple[Mapping[ItemId, int], datetime]:
        """See EventLog.newest."""
        async with reading(self._pool) as connection:
            rows = await connection.fetch(_READ_NEWEST_SEQS, array(item_ids))
            at = await connection.fetchval(_READ_CLOCK)
        return {ItemId(row["item_id"]): row["seq"] for row in rows}, at

    async def behind(self, seqs: Mapping[ItemId, int]) -> tuple[Mapping[ItemId, int], datetime]:
        """See EventLog.behind."""
        async with reading(self._pool) as connection:
            rows = await connection.fetch(_READ_SEQS_BEHIND, array(seqs), array(seqs.values()))
            at = await connection.fetchval(_READ_CLOCK)
        return {ItemId(row["item_id"]): row["seq"] for row in rows}, at

    async def snapshots(self, item_ids: Collection[ItemId]) -> tuple[list[ItemView], datetime]:
        """See EventLog.snapshots."""
        async with reading(self._pool) as connection:
            rows = await connection.fetch(_READ_WATCHED_ITEMS, array(item_ids))
            at = await connection.fetchval(_READ_CLOCK)
        return [view_of(row) for row in rows], at

    async def after(self, seqs: Mapping[ItemId, int], limit: int) -> list[FeedEvent]:
        """See EventLog.after."""
        async with reading(self._pool) as connection:
            rows = await connection.fetch(_READ_EVENTS_AFTER, array(seqs), array(seqs.values()), limit)
        return [_event_of(row) for row in rows]


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
