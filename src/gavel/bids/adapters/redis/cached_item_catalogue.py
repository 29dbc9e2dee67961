"""Item catalogue with texts cached in Redis, used only if Postgres confirms their version."""

from contextlib import suppress
from datetime import datetime

import asyncpg

from gavel.bids.adapters.postgres.connections import reading
from gavel.bids.adapters.postgres.reading.item_catalogue import PostgresItemCatalogue
from gavel.bids.adapters.postgres.rows import auction_of
from gavel.bids.adapters.redis.item_texts import ItemTexts, RedisItemTexts
from gavel.bids.adapters.redis.metrics import CacheMetrics
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.refusals import ItemNotFound
from gavel.bids.domain.texts import Listing
from gavel.bids.ports.catalogue import ItemView
from gavel.bids.ports.leaderboards import CacheAway
from gavel.runtime.postgres.connections import load_sql
from gavel.runtime.redis.single_flight import SingleFlight

_READ_ITEM_STATE = load_sql(__package__, "read_item_state")
_READ_ITEM_WITH_VERSION = load_sql(__package__, "read_item_with_version")


class CachedItemCatalogue:
    """ItemCatalogue that takes an item's texts, its long part, from Redis if they have the committed version.

    Price, seq, status and end always come from Postgres, and so do lists. Concurrent calls for one item share one
    answer.
    """

    def __init__(self, pool: asyncpg.Pool, texts: RedisItemTexts) -> None:
        self._committed = PostgresItemCatalogue(pool)
        self.items = self._committed.items
        self.items_of_seller = self._committed.items_of_seller
        self.items_of_bidder = self._committed.items_of_bidder
        self.bids = self._committed.bids
        self._pool = pool
        self._texts = texts
        self.reads = CacheMetrics("item_texts")
        self._single_flight: SingleFlight[ItemId, tuple[ItemView, datetime]] = SingleFlight(self._load)

    async def item(self, item_id: ItemId) -> tuple[ItemView, datetime]:
        """See ItemCatalogue.item."""
        return await self._single_flight.join(item_id)

    async def _load(self, item_id: ItemId) -> tuple[ItemView, datetime]:
        try:
            texts = await self._texts.read(item_id)
        except CacheAway:
            self.reads.away += 1
            return await self._committed.item(item_id)
        if texts is not None:
            async with reading(self._pool) as connection:
                row = await connection.fetchrow(_READ_ITEM_STATE, item_id)
            if row is not None and row["texts_version"] == texts.version:
                self.reads.hits += 1
                return _view(row, texts), row["at"]
        self.reads.misses += 1
        return await self._item_to_keep(item_id)

    async def _item_to_keep(self, item_id: ItemId) -> tuple[ItemView, datetime]:
        async with reading(self._pool) as connection:
            row = await connection.fetchrow(_READ_ITEM_WITH_VERSION, item_id)
        if row is None:
            raise ItemNotFound(item_id)
        texts = ItemTexts(row["texts_version"], row["title"], row["description"], tuple(row["images"]))
        with suppress(CacheAway):
            await self._texts.store(item_id, texts)
        return _view(row, texts), row["at"]


def _view(row: asyncpg.Record, texts: ItemTexts) -> ItemView:
    listing = Listing(title=texts.title, description=texts.description, images=texts.images, category=row["category"])
    return ItemView(auction_of(row), listing, row["created_at"], row["updated_at"])
