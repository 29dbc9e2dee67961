"""A house with a live feed behind a real HTTP server."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from gavel.bids.adapters.postgres.writing.auction_book import PostgresAuctionBook
from gavel.bids.api import open_bid_api
from gavel.bids.feed.live_feed import LiveFeed
from gavel.runtime.http.access_control import AccessControl
from gavel.runtime.http.routes import Pipeline, Routes
from gavel.runtime.http.server import address_of, bind, serving
from gavel.runtime.postgres import connections as postgres
from tests.auction_house import House, until
from tests.watching import Stream, watching


@dataclass(frozen=True, slots=True)
class LiveHouse:
    """One process: its book, its feed, and where it is."""

    house: House
    feed: LiveFeed
    address: str

    def watching(self, wanted: Mapping[str, int] | bytes, **options: Any) -> AbstractAsyncContextManager[Stream]:
        """A watcher of this process."""
        return watching(self.address, wanted, **options)

    async def until_watched_by(self, count: int) -> None:
        """Return when so many watch."""

        async def watched() -> bool:
            return self.feed.watcher_count == count

        await until(watched)


@asynccontextmanager
async def open_live_house(url: str) -> AsyncGenerator[LiveHouse]:
    """A running API on a database."""
    async with await postgres.open_pool(url, "tests") as pool, open_bid_api(url, "USD") as api:
        assert isinstance(api.book, PostgresAuctionBook)
        listener = bind("127.0.0.1", 0)
        address = address_of(listener)
        async with serving(Pipeline(Routes(api.routes), AccessControl()), listener, api.feed.stop):
            yield LiveHouse(House(api.book, pool, url), api.feed, address)


@pytest.fixture
async def live(shared_bid_db_url: str) -> AsyncGenerator[LiveHouse]:
    """A running API on a bid_db that it shares with other tests, one after the other."""
    async with open_live_house(shared_bid_db_url) as opened:
        yield opened
