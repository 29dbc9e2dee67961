"""Buying at once, cancelling, changing texts: each is answered with the item as it is then."""

import pytest

from gavel.bids.domain.auction import Status
from gavel.bids.domain.refusals import BidRefusal, BidRefused, ChangeRefused, ItemNotFound, NotTheSeller
from gavel.bids.domain.texts import ListingChanges
from gavel.bids.use_cases.buy_now import buy_now
from gavel.bids.use_cases.cancel_item import cancel_item
from gavel.bids.use_cases.change_item import change_item
from tests.auction_house import SELLER, BookWords, new_user, soon
from tests.suites.auction_book_suite import NOBODYS
from tests.unit.bids.memory_book import MemoryAuctionBook, MemoryItemCatalogue


@pytest.fixture
def book() -> BookWords:
    return BookWords(MemoryAuctionBook())


@pytest.fixture
def catalogue(book: BookWords) -> MemoryItemCatalogue:
    assert isinstance(book.book, MemoryAuctionBook)
    return MemoryItemCatalogue(book.book)


async def test_who_buys_now_has_won_and_a_retry_changes_nothing(
    book: BookWords, catalogue: MemoryItemCatalogue
) -> None:
    item_id, buyer, late = await book.list_item(buy_now_price=700), new_user(), new_user()

    async def buy() -> tuple[object, bool]:
        view, _ = await buy_now(book.book, catalogue, item_id, buyer, idempotency_key="k", call=soon())
        return view.auction.leader_id, view.auction.sold

    assert [await buy(), await buy()] == [(buyer, True)] * 2
    with pytest.raises(BidRefused) as refused:
        await buy_now(book.book, catalogue, item_id, late, idempotency_key="", call=soon())
    assert refused.value.reason is BidRefusal.ENDED


async def test_the_seller_alone_cancels_and_sees_the_item_cancelled(
    book: BookWords, catalogue: MemoryItemCatalogue
) -> None:
    item_id = await book.list_item()
    with pytest.raises(NotTheSeller):
        await cancel_item(book.book, catalogue, item_id, seller_id=new_user(), call=soon())
    view, at = await cancel_item(book.book, catalogue, item_id, seller_id=SELLER, call=soon())
    assert view.auction.status_at(at) is Status.CANCELLED


async def test_changed_texts_are_shown_and_a_title_is_fixed_by_a_bid(
    book: BookWords, catalogue: MemoryItemCatalogue
) -> None:
    item_id = await book.list_item(title="Old", category="globes")
    changes = ListingChanges(title="New")
    view, _ = await change_item(book.book, catalogue, item_id, changes, seller_id=SELLER, call=soon())
    assert (view.listing.title, view.listing.category) == ("New", "globes")
    await book.bid(item_id, 1)
    with pytest.raises(ChangeRefused):
        await change_item(book.book, catalogue, item_id, changes, seller_id=SELLER, call=soon())


async def test_an_item_that_is_not_there_is_not_found(book: BookWords, catalogue: MemoryItemCatalogue) -> None:
    with pytest.raises(ItemNotFound):
        await cancel_item(book.book, catalogue, NOBODYS, seller_id=SELLER, call=soon())
