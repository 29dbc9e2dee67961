"""Placing a bid: refused early where an older state suffices, replayed by its key, else decided by the book."""

import asyncio

import pytest

from gavel.bids.domain.bidding import new_bid
from gavel.bids.domain.decision import Answer
from gavel.bids.domain.refusals import BidRefusal, BidRefused, KeyReused
from gavel.bids.use_cases.place_bid import submit_bid
from tests.auction_house import BookWords, new_user, soon
from tests.unit.bids.memory_book import MemoryAuctionBook


@pytest.fixture
def memory() -> MemoryAuctionBook:
    return MemoryAuctionBook()


@pytest.fixture
def book(memory: MemoryAuctionBook) -> BookWords:
    return BookWords(memory)


async def test_a_bid_below_a_minimum_that_was_seen_does_not_reach_the_book(
    book: BookWords, memory: MemoryAuctionBook
) -> None:
    item_id = await book.list_item(increment=10)
    await book.bid(item_id, 100)
    with pytest.raises(BidRefused) as refused:
        await book.bid(item_id, 109)
    assert (refused.value.reason, refused.value.minimum_next_bid) == (BidRefusal.TOO_LOW, 110)
    assert memory.updates == 1


async def test_with_a_key_it_is_decided_whatever_was_seen(book: BookWords, memory: MemoryAuctionBook) -> None:
    item_id = await book.list_item(increment=10)
    await book.bid(item_id, 100)
    with pytest.raises(BidRefused):
        await book.bid(item_id, 109, key="k")
    assert memory.updates == 2


async def test_a_retry_is_the_first_bid_and_another_bid_with_its_key_is_none(book: BookWords) -> None:
    item_id, user = await book.list_item(), new_user()
    first = await book.bid(item_id, 100, by=user, max_amount=500, key="k")
    again = await book.bid(item_id, 100, by=user, max_amount=500, key="k")
    assert (again.bid, again.replayed) == (first.bid, True)
    for amount, max_amount in ((100, 600), (101, 500)):
        with pytest.raises(KeyReused):
            await book.bid(item_id, amount, by=user, max_amount=max_amount, key="k")


async def test_a_submitted_bid_that_is_refused_early_raises_at_once_and_is_not_answered(
    book: BookWords, memory: MemoryAuctionBook
) -> None:
    item_id, outcomes = await book.list_item(increment=10), list[Answer | Exception]()
    await book.bid(item_id, 100)

    def submit(amount: int) -> None:
        bid = new_bid(new_user(), amount, 0)
        submit_bid(memory, item_id, bid, outcomes.append, idempotency_key="", call=soon())

    with pytest.raises(BidRefused):
        submit(109)
    submit(110)
    await asyncio.sleep(0)
    [accepted] = outcomes
    assert isinstance(accepted, Answer)
    assert accepted.auction.price == 110
