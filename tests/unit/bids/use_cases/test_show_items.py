"""Lists come in pages that neither repeat nor leave out, and end where they end."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from gavel.bids.domain.auction import Status
from gavel.bids.domain.listing import Draft, Listing
from gavel.bids.domain.refusals import ItemNotFound
from gavel.bids.ports.catalogue import BidderItem
from gavel.bids.use_cases.show_items import PAGE_TEXT_BYTES_MAX, show_bids, show_items, show_my_bids, show_seller_items
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


async def test_a_page_of_long_texts_ends_at_a_bound_of_bytes_and_the_next_goes_on_there(
    memory: MemoryAuctionBook, catalogue: MemoryItemCatalogue
) -> None:
    book, bidder = BookWords(memory), new_user()
    # The longest that an item may have: 200 and 2,048 characters, of four bytes each.
    listing = Listing(title="🌍" * 200, images=("/" + "🌍" * 2_047,) * 2, description="🌍" * 10_000)
    listed = set[str]()
    for hours in range(40):
        end_at = datetime.now(UTC) + timedelta(days=1, hours=hours)
        draft = Draft(seller_id=SELLER, listing=listing, end_at=end_at, start_price=1)
        item_id = (await book.list_draft(draft)).auction.item_id
        await book.bid(item_id, 1, by=bidder)
        listed.add(item_id)
    for show in (
        partial(show_items, catalogue, status=Status.ACTIVE, category=""),
        partial(show_seller_items, catalogue, SELLER),
        partial(show_my_bids, catalogue, bidder),
    ):
        shown, after, pages = list[str](), None, 0
        while True:
            page, _, after = await show(after=after, limit=40)
            views = [each.item if isinstance(each, BidderItem) else each for each in page]
            assert views
            texts = [text for view in views for text in (view.listing.title, *view.listing.images)]
            assert sum(len(text.encode()) for text in texts) <= PAGE_TEXT_BYTES_MAX
            shown += [view.auction.item_id for view in views]
            pages += 1
            if after is None:
                break
        assert pages > 1
        assert (len(shown), set(shown)) == (len(listed), listed)


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
