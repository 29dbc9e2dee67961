"""Committed items and bids, read from bid_db."""

from datetime import UTC, datetime

import asyncpg

from gavel.bids.adapters.postgres.connections import reading
from gavel.bids.adapters.postgres.rows import bid_of, view_of
from gavel.bids.domain.auction import ItemId, Status, UserId
from gavel.bids.domain.events import BidPlaced
from gavel.bids.domain.refusals import ItemNotFound
from gavel.bids.ports.catalogue import BidderItem, ItemPosition, ItemView
from gavel.runtime.postgres.connections import load_sql

_READ_CLOCK = load_sql("gavel.bids.adapters.postgres", "read_clock")
_READ_ITEM = load_sql(__package__, "read_item")
_READ_ITEM_BIDS = load_sql(__package__, "read_item_bids")
_READ_ITEM_EXISTS = load_sql(__package__, "read_item_exists")
_LISTS = {
    Status.ACTIVE: load_sql(__package__, "list_active_items"),
    Status.ENDED: load_sql(__package__, "list_ended_items"),
    Status.SCHEDULED: load_sql(__package__, "list_scheduled_items"),
    Status.CANCELLED: load_sql(__package__, "list_cancelled_items"),
}
_LISTS_OF_CATEGORY = {
    Status.ACTIVE: load_sql(__package__, "list_active_items_of_category"),
    Status.ENDED: load_sql(__package__, "list_ended_items_of_category"),
    Status.SCHEDULED: load_sql(__package__, "list_scheduled_items_of_category"),
    Status.CANCELLED: load_sql(__package__, "list_cancelled_items_of_category"),
}
_LIST_SELLER_ITEMS = load_sql(__package__, "list_seller_items")
_LIST_BIDDER_ITEMS = load_sql(__package__, "list_bidder_items")
_LAST_ID = ItemId("ffffffff-ffff-ffff-ffff-ffffffffffff")
_LAST = ItemPosition(datetime(9999, 12, 31, tzinfo=UTC), _LAST_ID)
_SEQ_MAX = 2**63 - 1


class PostgresItemCatalogue:
    """ItemCatalogue on bid_db. Every read raises Unavailable if the database gives no answer in time."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def item(self, item_id: ItemId) -> tuple[ItemView, datetime]:
        """See ItemCatalogue.item."""
        async with reading(self._pool) as connection:
            row = await connection.fetchrow(_READ_ITEM, item_id)
        if row is None:
            raise ItemNotFound(item_id)
        return view_of(row), row["at"]

    async def items(
        self, status: Status, category: str, after: ItemPosition | None, limit: int
    ) -> tuple[list[ItemView], datetime]:
        """See ItemCatalogue.items."""
        statement = (_LISTS_OF_CATEGORY if category else _LISTS)[status]
        async with reading(self._pool) as connection:
            at = await connection.fetchval(_READ_CLOCK)
            position = _start(status, at, after)
            arguments: list[object] = [position.time, position.item_id, limit]
            if status is Status.ACTIVE:
                arguments.append(at)
            if category:
                arguments.append(category)
            rows = await connection.fetch(statement, *arguments)
        return [view_of(row) for row in rows], at

    async def items_of_seller(
        self, seller_id: UserId, after: ItemPosition | None, limit: int
    ) -> tuple[list[ItemView], datetime]:
        """See ItemCatalogue.items_of_seller."""
        position = after or _LAST
        async with reading(self._pool) as connection:
            at = await connection.fetchval(_READ_CLOCK)
            rows = await connection.fetch(_LIST_SELLER_ITEMS, seller_id, position.time, position.item_id, limit)
        return [view_of(row) for row in rows], at

    async def items_of_bidder(
        self, user_id: UserId, after: ItemPosition | None, limit: int
    ) -> tuple[list[BidderItem], datetime]:
        """See ItemCatalogue.items_of_bidder."""
        position = after or _LAST
        async with reading(self._pool) as connection:
            at = await connection.fetchval(_READ_CLOCK)
            rows = await connection.fetch(_LIST_BIDDER_ITEMS, user_id, position.time, position.item_id, limit)
        return [
            BidderItem(view_of(row), row["bidder_amount"], row["bidder_maximum"], row["last_bid_at"]) for row in rows
        ], at

    async def bids(self, item_id: ItemId, before_seq: int | None, limit: int) -> list[BidPlaced]:
        """See ItemCatalogue.bids."""
        below = _SEQ_MAX if before_seq is None else before_seq
        async with reading(self._pool) as connection:
            rows = await connection.fetch(_READ_ITEM_BIDS, item_id, below, limit)
            if not rows and not await connection.fetchval(_READ_ITEM_EXISTS, item_id):
                raise ItemNotFound(item_id)
        return [bid_of(row) for row in rows]


def _start(status: Status, at: datetime, after: ItemPosition | None) -> ItemPosition:
    """Where to start in the list of a status, which is ordered by a time before or after now.

    One position, so that an index is read from there: with now as a bound of its own, all between would be read.
    """
    now = ItemPosition(at, _LAST_ID)
    match status:
        case Status.ACTIVE | Status.SCHEDULED:
            return max(now, after or now)
        case Status.ENDED:
            return min(now, after or now)
        case Status.CANCELLED:
            return after or _LAST
