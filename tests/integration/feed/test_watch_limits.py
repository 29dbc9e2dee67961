"""The watched items of one address are bounded over all its streams, and free again when a stream ends."""

import pytest

from gavel.bids.adapters.connect import watch
from gavel.bids.adapters.postgres.writing.auction_book import PostgresAuctionBook
from gavel.bids.api import open_bid_api
from gavel.runtime.http.access_control import AccessControl
from gavel.runtime.http.addresses import Addresses
from gavel.runtime.http.routes import Pipeline, Routes
from gavel.runtime.http.server import address_of, bind, serving
from gavel.runtime.postgres import connections as postgres
from tests.auction_house import House, new_user, until
from tests.watching import Ended, watching

pytestmark = pytest.mark.integration


async def test_the_streams_of_one_address_watch_so_many_items_and_one_that_ends_makes_room(
    bid_db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "ADDRESS_WATCHED_ITEMS_MAX", 3)
    async with await postgres.open_pool(bid_db_url, "tests") as pool, open_bid_api(bid_db_url, "USD") as api:
        assert isinstance(api.book, PostgresAuctionBook)
        house = House(api.book, pool, bid_db_url)
        items = [await house.list_item() for _ in range(4)]
        listener = bind("127.0.0.1", 0)
        address = address_of(listener)
        pipeline = Pipeline(Routes(api.routes), AccessControl(addresses=Addresses(exempt=())))
        async with serving(pipeline, listener, api.feed.stop):
            # What finds no item gives back what it took.
            for _ in range(2):
                async with watching(address, {items[0]: 0, new_user(): 0}) as lost:
                    assert (await lost.end()).code == "not_found"
            async with watching(address, dict.fromkeys(items[:3], 0)) as stream:
                assert "snapshot" in await stream.next()
                async with watching(address, {items[3]: 0}) as late:
                    with pytest.raises(Ended) as ended:
                        await late.next()
                assert ended.value.code == "resource_exhausted"
                assert ended.value.metadata["retry-after"]

            async def is_deserted() -> bool:
                return api.feed.watcher_count == 0

            await until(is_deserted)
            async with watching(address, {items[3]: 0}) as stream:
                assert "snapshot" in await stream.next()
