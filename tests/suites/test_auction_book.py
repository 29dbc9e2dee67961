"""The book on Postgres, and the one in memory that unit tests use, keep the promises of AuctionBook."""

from collections.abc import AsyncGenerator

import pytest

from gavel.bids.api import BID_LANES
from tests.auction_house import BookWords, House, open_house
from tests.suites.auction_book_suite import AuctionBookSuite, Committed
from tests.unit.bids.memory_book import MemoryAuctionBook


@pytest.fixture
def committed() -> Committed:
    return Committed()


class TestMemoryAuctionBook(AuctionBookSuite):
    """The suite without a database."""

    @pytest.fixture
    def book(self, committed: Committed) -> BookWords:
        return BookWords(MemoryAuctionBook([committed]))


@pytest.mark.integration
class TestPostgresAuctionBook(AuctionBookSuite):
    """The suite on bid_db."""

    @pytest.fixture
    async def book(self, shared_bid_db_url: str, committed: Committed) -> AsyncGenerator[House]:
        async with open_house(shared_bid_db_url, listeners=[committed]) as house:
            yield house


@pytest.mark.integration
class TestPostgresAuctionBookWithTwoLanes(AuctionBookSuite):
    """The suite on bid_db, with as many lanes as the API has."""

    @pytest.fixture
    async def book(self, shared_bid_db_url: str, committed: Committed) -> AsyncGenerator[House]:
        async with open_house(shared_bid_db_url, listeners=[committed], lanes=BID_LANES) as house:
            yield house
