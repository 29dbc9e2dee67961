"""A pass of the closer: what is due is closed, and one that can't be closed keeps no other from it."""

from collections.abc import Collection
from datetime import timedelta

from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.decision import Answer, Decide, RetryKey
from gavel.bids.ports.book import Call, Unavailable
from gavel.bids.ports.due_auctions import Due
from gavel.bids.use_cases.close_due import close_due
from tests.auction_house import BookWords, soon
from tests.unit.bids.memory_book import MemoryAuctionBook


class FailingBook(MemoryAuctionBook):
    """The same, but for items whose update fails. `order` has the items in the order in which they were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: dict[ItemId, Exception] = {}
        self.order: list[ItemId] = []

    async def update(self, item_id: ItemId, decide: Decide, *, call: Call, key: RetryKey | None = None) -> Answer:
        """See AuctionBook.update."""
        self.order.append(item_id)
        if item_id in self.failing:
            raise self.failing[item_id]
        return await super().update(item_id, decide, call=call, key=key)


class AllDue:
    """DueAuctions that names these items, due or not."""

    def __init__(self, *item_ids: ItemId) -> None:
        self._item_ids = item_ids

    async def due(self, limit: int, but: Collection[ItemId]) -> Due:
        """See DueAuctions.due."""
        return Due(tuple(item_id for item_id in self._item_ids if item_id not in but)[:limit], 7.0)


async def _ended(book: FailingBook, count: int) -> list[ItemId]:
    """Auctions whose time is up, whatever the clock says."""
    item_ids = [await BookWords(book).list_item() for _ in range(count)]
    for item_id in item_ids:
        auction = book.auctions[item_id]
        book.auctions[item_id] = auction._replace(end_at=auction.end_at - timedelta(hours=2))
    return item_ids


async def test_what_is_due_is_closed_and_what_is_not_stays_open() -> None:
    book = FailingBook()
    due, early = *(await _ended(book, 1)), await BookWords(book).list_item()
    done = await close_due(book, AllDue(due, early), (), call=soon())
    assert (done.auctions, done.next_end_seconds, done.failed, done.interrupted_by) == (2, 7.0, {}, None)
    assert book.auctions[due].closed_at is not None
    assert book.auctions[early].closed_at is None


async def test_one_that_fails_is_named_and_keeps_no_other_from_being_closed() -> None:
    book, bug = FailingBook(), KeyError("a bug")
    one, broken, other = await _ended(book, 3)
    book.failing[broken] = bug
    done = await close_due(book, AllDue(one, broken, other), (), call=soon())
    assert done.failed == {broken: bug}
    assert [book.auctions[each].closed_at is not None for each in (one, broken, other)] == [True, False, True]


async def test_a_database_that_is_away_is_an_interruption_and_no_auctions_fault() -> None:
    book, away = FailingBook(), Unavailable("away")
    [item_id] = await _ended(book, 1)
    book.failing[item_id] = away
    done = await close_due(book, AllDue(item_id), (), call=soon())
    assert (done.failed, done.interrupted_by) == ({}, away)


async def test_suspects_come_after_the_others_and_those_to_leave_alone_not_at_all() -> None:
    book = FailingBook()
    suspect, left_alone, other = await _ended(book, 3)
    await close_due(book, AllDue(suspect, left_alone, other), [left_alone], call=soon(), suspects=[suspect])
    assert book.order == [other, suspect]
