"""Items whose texts come from Redis are Postgres' own, whatever Redis holds."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import parse_url

from gavel.bids.adapters.postgres.reading.item_catalogue import PostgresItemCatalogue
from gavel.bids.adapters.redis.cached_item_catalogue import CachedItemCatalogue
from gavel.bids.adapters.redis.item_texts import RedisItemTexts
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.changing import update_item
from gavel.bids.domain.refusals import ItemNotFound
from gavel.bids.domain.texts import ListingChanges
from gavel.bids.ports.catalogue import ItemView
from gavel.runtime.postgres.connections import load_sql
from gavel.runtime.redis.connection import RedisLink
from tests.auction_house import SELLER, House
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.integration


@dataclass(frozen=True, slots=True)
class Shop:
    """Items as a process shows them, and what stands in Redis."""

    house: House
    catalogue: CachedItemCatalogue
    texts: RedisItemTexts
    redis: Any
    prefix: str

    def key(self, item_id: ItemId) -> str:
        """Where an item's texts are."""
        return f"{self.prefix}:{{{item_id}}}:texts"

    async def is_right(self, item_id: ItemId) -> ItemView:
        """The item as it is shown, which must be as Postgres has it, clock and all."""
        shown, true = await self.catalogue.item(item_id), await PostgresItemCatalogue(self.house.pool).item(item_id)
        assert shown[0] == true[0]
        assert isinstance(shown[1], datetime)
        assert shown[1] <= true[1]
        return shown[0]

    async def retitle(self, item_id: ItemId, **texts: Any) -> None:
        """Set texts as the seller."""
        changes = ListingChanges(**texts)
        await self.house.decide(item_id, lambda auction, at: update_item(auction, at, SELLER, changes))


@pytest.fixture
async def shop(house: House, mortal_redis: RedisServer, request: pytest.FixtureRequest) -> AsyncGenerator[Shop]:
    """A process with a Redis, for whose answers it has no patience only where they are kept from it."""
    prefix = f"tests-{uuid4()}"
    hasty = request.node.get_closest_marker("fault") is not None
    link = RedisLink(mortal_redis.url, "tests", answer_seconds_max=0.5 if hasty else 10)
    texts = RedisItemTexts(link, prefix)
    pool = ConnectionPool(**parse_url(mortal_redis.url), decode_responses=True, protocol=2)
    async with Redis.from_pool(pool) as redis:
        yield Shop(house, CachedItemCatalogue(house.pool, texts), texts, redis, prefix)
    await link.close()


async def test_the_texts_of_an_item_that_was_shown_are_in_redis_and_nothing_else_of_it(shop: Shop) -> None:
    item_id = await shop.house.list_item(title='A "globe" 🌍\n', category="old", reserve_price=777_777, start_price=5)
    await shop.is_right(item_id)
    stored = json.loads(await shop.redis.get(shop.key(item_id)))
    assert stored[1:] == ['A "globe" 🌍\n', ""]
    assert 0 < await shop.redis.ttl(shop.key(item_id)) <= 600
    assert (await shop.is_right(item_id)).listing.category == "old"


async def test_the_texts_are_shown_from_redis_where_they_are_of_the_committed_version(shop: Shop) -> None:
    item_id = await shop.house.list_item()
    await shop.is_right(item_id)
    stored = json.loads(await shop.redis.get(shop.key(item_id)))
    stored[1] = "Only Redis says so"
    await shop.redis.set(shop.key(item_id), json.dumps(stored))
    shown = await shop.catalogue.item(item_id)
    assert shown[0].listing.title == "Only Redis says so"


async def test_a_hundred_reads_of_a_cold_item_are_one_read_of_postgres(shop: Shop) -> None:
    item_id, queries = await shop.house.list_item(title="Cold"), list[str]()

    async def note_queries(connection: asyncpg.Connection) -> None:
        connection.add_query_logger(lambda logged: queries.append(logged.query))

    async with asyncpg.create_pool(shop.house.url, min_size=0, init=note_queries) as pool:
        catalogue = CachedItemCatalogue(pool, shop.texts)
        shown = await asyncio.gather(*(catalogue.item(item_id) for _ in range(100)))
        assert queries.count(load_sql("gavel.bids.adapters.redis", "read_item_with_version")) == 1
        assert [each[0].listing.title for each in shown] == ["Cold"] * 100
        assert (await catalogue.item(item_id))[0].listing.title == "Cold"
        assert queries.count(load_sql("gavel.bids.adapters.redis", "read_item_state")) == 1


async def test_price_and_status_come_from_postgres_at_every_look(shop: Shop) -> None:
    item_id = await shop.house.list_item()
    await shop.is_right(item_id)
    for amount in (10, 20, 30):
        await shop.house.bid(item_id, amount)
        assert (await shop.is_right(item_id)).auction.price == amount


async def test_texts_that_the_seller_changed_are_shown_at_once(shop: Shop) -> None:
    item_id = await shop.house.list_item(title="Before")
    await shop.is_right(item_id)
    await shop.retitle(item_id, title="After", images=("https://images.example/a.png",), category="new")
    shown = await shop.is_right(item_id)
    assert (shown.listing.title, shown.listing.category) == ("After", "new")
    assert (await shop.is_right(item_id)).listing.images == ("https://images.example/a.png",)


async def test_a_late_writer_with_older_texts_does_not_bring_them_back(shop: Shop) -> None:
    item_id = await shop.house.list_item(title="Before")
    await shop.is_right(item_id)
    old = await shop.texts.read(item_id)
    assert old is not None
    await shop.retitle(item_id, title="After")
    await shop.is_right(item_id)
    await shop.texts.store(item_id, old)
    assert (await shop.is_right(item_id)).listing.title == "After"


@pytest.mark.parametrize("stored", ["", "nonsense", "{}", "[]", "[1, 2, 3]", '["1"]', "[" * 100_000])
async def test_a_foreign_or_malformed_entry_is_replaced(shop: Shop, stored: str) -> None:
    item_id = await shop.house.list_item(title="Ours")
    await shop.redis.set(shop.key(item_id), stored)
    assert (await shop.is_right(item_id)).listing.title == "Ours"
    assert json.loads(await shop.redis.get(shop.key(item_id)))[1] == "Ours"


async def test_a_wrong_type_is_replaced(shop: Shop) -> None:
    item_id = await shop.house.list_item(title="Ours")
    await shop.redis.rpush(shop.key(item_id), "nonsense")
    assert (await shop.is_right(item_id)).listing.title == "Ours"
    assert json.loads(await shop.redis.get(shop.key(item_id)))[1] == "Ours"


@pytest.mark.fault
async def test_items_are_shown_with_redis_killed_flushed_or_frozen(shop: Shop, mortal_redis: RedisServer) -> None:
    item_id = await shop.house.list_item(title="Ours")
    await shop.is_right(item_id)
    await shop.redis.flushall()
    await shop.is_right(item_id)
    await asyncio.to_thread(mortal_redis.freeze)
    for _ in range(5):
        await shop.is_right(item_id)
    await asyncio.to_thread(mortal_redis.kill)
    for _ in range(5):
        await shop.is_right(item_id)


async def test_an_item_that_is_not_there_is_not_shown_and_not_kept(shop: Shop) -> None:
    item_id = ItemId(str(uuid4()))
    with pytest.raises(ItemNotFound):
        await shop.catalogue.item(item_id)
    assert await shop.redis.exists(shop.key(item_id)) == 0


async def test_an_item_that_only_redis_knows_is_not_shown(shop: Shop, bid_pool: asyncpg.Pool) -> None:
    item_id = await shop.house.list_item()
    await shop.is_right(item_id)
    with pytest.raises(ItemNotFound):
        await CachedItemCatalogue(bid_pool, shop.texts).item(item_id)
