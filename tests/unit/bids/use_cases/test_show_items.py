"""Lists come in pages that neither repeat nor leave out, and end where they end."""

from datetime import timedelta

import pytest

from gavel.bids.domain.auction import Status
from gavel.bids.domain.refusals import ItemNotFound
from gavel.bids.use_cases.show_items import show_bids, show_items, show_my_bids, show_seller_items
from tests.auction_house import SELLER, BookWords, new_user
from tests.suites.auction_book_suite import NOBODYS
from tests.unit.bids.memory_book import MemoryAuctionBook, MemoryItemCatalogue


@pytest.fixture
def memory() -> MemoryAuctionBook:
    return MemoryAuctionBook()


@pytest.fixture
def catalogue(memory: MemoryAuctionBook) -> MemoryItemCatalogue:
    return MemoryItemCatalogue(memory)


async def test_every_list_of_items_is_shown_whole(memory: MemoryAuctionBook, catalogue: MemoryItemCatalogue) -> None:
    book, bidder = BookWords(memory), new_user()
    listed = [await book.list_item(ends_in=timedelta(hours=hours)) for hours in (3, 1, 2, 5, 4)]
    for item_id in listed:
        await book.bid(item_id, 1, by=bidder)
    soonest = [listed[place] for place in (1, 2, 0, 4, 3)]
    for limit in (1, 2, 4, 5, 6):
        active, sold, bid_on = list[str](), list[str](), list[str]()
        after = None
        while True:
            page, _, after = await show_items(catalogue, status=Status.ACTIVE, category="", after=after, limit=limit)
            active += [view.auction.item_id for view in page]
            if after is None:
                break
        while True:
            page, _, after = await show_seller_items(catalogue, SELLER, after=after, limit=limit)
            sold += [view.auction.item_id for view in page]
            if after is None:
                break
        while True:
            mine, _, after = await show_my_bids(catalogue, bidder, after=after, limit=limit)
            bid_on += [each.item.auction.item_id for each in mine]
            if after is None:
                break
        assert active == soonest
        assert sold == bid_on == listed[::-1]


async def test_bids_are_shown_newest_first(memory: MemoryAuctionBook, catalogue: MemoryItemCatalogue) -> None:
    book = BookWords(memory)
    item_id = await book.list_item()
    for amount in (1, 2, 3):
        await book.bid(item_id, amount)
    first, before = await show_bids(catalogue, item_id, before_seq=None, limit=2)
    rest, end = await show_bids(catalogue, item_id, before_seq=before, limit=2)
    assert [bid.amount for bid in first + rest] == [3, 2, 1]
    assert end is None
    with pytest.raises(ItemNotFound):
        await show_bids(catalogue, NOBODYS, before_seq=None, limit=2)
