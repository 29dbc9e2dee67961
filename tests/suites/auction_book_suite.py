"""What AuctionBook promises: one decision at a time, stored whole or not at all, answered once it is true.

An implementation's test class inherits the suite and gives it a book, with a listener on it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gavel.bids.domain.auction import Auction, ItemId
from gavel.bids.domain.bidding import new_bid, place_bid
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.changing import cancel_item, update_item
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.decision import Answer, Decision, RetryKey
from gavel.bids.domain.events import BidPlaced, Event, ItemListed
from gavel.bids.domain.listing import Draft
from gavel.bids.domain.refusals import BidRefusal, BidRefused, InvalidInput, ItemNotFound, KeyReused
from gavel.bids.domain.texts import Listing, ListingChanges
from gavel.bids.ports.book import Change, DeadlineExceeded
from tests.auction_house import PATIENCE_SECONDS, SELLER, BookWords, new_user, soon, unchanged

NOBODYS = ItemId("99999999-9999-4999-8999-999999999999")


class Committed:
    """CommitListener that keeps what it was told, and fails all the same."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def committed(self, changes: Sequence[Change]) -> None:
        self.changes += changes
        raise RuntimeError("a listener's error is no caller's")

    def events(self, item_id: ItemId) -> list[Event]:
        """The events of an item, in the order in which they were committed."""
        return [event for change in self.changes for event in change.events if event.item_id == item_id]

    def amounts(self, item_id: ItemId) -> list[int]:
        """The amounts of an item's bids."""
        return [event.amount for event in self.events(item_id) if isinstance(event, BidPlaced)]


class AuctionBookSuite:
    """The promises of AuctionBook; `book` is one whose commits `committed` is told of."""

    async def state(self, book: BookWords, item_id: ItemId) -> Auction:
        """The state under the lock."""
        return (await book.decide(item_id, unchanged)).auction

    async def test_a_new_item_has_its_first_event_and_listeners_receive_it(
        self, book: BookWords, committed: Committed
    ) -> None:
        item_id = await book.list_item(title="A globe", reserve_price=900, start_price=100)
        state = await self.state(book, item_id)
        assert (state.seq, state.revision, state.price, state.terms.reserve_price) == (1, 1, 0, 900)
        [change] = [change for change in committed.changes if change.auction.item_id == item_id]
        assert (change.revision_before, change.texts_changed, [event.seq for event in change.events]) == (0, True, [1])

    async def test_an_item_that_may_not_be_listed_is_not_there(self, book: BookWords, committed: Committed) -> None:
        with pytest.raises(InvalidInput):
            await book.list_item(ends_in=timedelta(hours=-1))
        assert committed.changes == []

    async def test_a_seller_opens_one_auction_with_a_key(self, book: BookWords, committed: Committed) -> None:
        draft = Draft(
            seller_id=new_user(),
            listing=Listing(title="A globe"),
            end_at=datetime.now(UTC) + timedelta(hours=1),
            start_price=1,
        )
        first = await book.list_draft(draft, key="once")
        item_id = first.auction.item_id
        await book.bid(item_id, 5)
        again = await book.list_draft(draft, key="once")
        assert (first.replayed, again.replayed) == (False, True)
        assert (again.auction.item_id, again.auction.price) == (item_id, 5), "a replay has the item's present state"
        with pytest.raises(KeyReused):
            await book.list_draft(replace(draft, start_price=2), key="once")
        assert (await book.list_draft(draft, key="another")).auction.item_id != item_id
        listed = [event for change in committed.changes for event in change.events if isinstance(event, ItemListed)]
        assert len(listed) == 2

    async def test_a_bid_is_answered_with_itself_and_the_state_that_it_made(self, book: BookWords) -> None:
        item_id, user = await book.list_item(increment=10), new_user()
        answer = await book.bid(item_id, 500, by=user)
        assert answer.bid is not None
        assert (answer.bid.user_id, answer.bid.amount, answer.bid.seq, answer.replayed) == (user, 500, 2, False)
        assert (answer.auction.price, answer.auction.minimum_next_bid, answer.auction.leader_id) == (500, 510, user)
        assert await self.state(book, item_id) == answer.auction

    async def test_a_refused_bid_has_no_effect(self, book: BookWords, committed: Committed) -> None:
        item_id = await book.list_item(increment=10)
        first = await book.bid(item_id, 500)
        with pytest.raises(BidRefused) as refused:
            await book.bid(item_id, 509, key="has a key, so that it is decided under the lock")
        assert (refused.value.reason, refused.value.minimum_next_bid) == (BidRefusal.TOO_LOW, 510)
        assert await self.state(book, item_id) == first.auction
        assert committed.amounts(item_id) == [500]

    @pytest.mark.parametrize("item_id", [NOBODYS, "no id", "", "'); DROP TABLE auctions; --"])
    async def test_an_item_that_is_not_there_is_not_found(
        self, book: BookWords, committed: Committed, item_id: str
    ) -> None:
        known = await book.list_item()
        found, unknown = await asyncio.gather(
            book.bid(known, 1), book.bid(ItemId(item_id), 1, key="k"), return_exceptions=True
        )
        assert isinstance(unknown, ItemNotFound)
        assert isinstance(found, Answer)
        assert committed.amounts(known) == [1]

    async def test_commands_on_one_item_run_in_order_of_arrival(self, book: BookWords, committed: Committed) -> None:
        item_id = await book.list_item()
        answers = await asyncio.gather(*(book.bid(item_id, amount) for amount in range(1, 301)))
        assert [answer.bid.seq for answer in answers if answer.bid] == list(range(2, 302))
        assert committed.amounts(item_id) == list(range(1, 301))

    async def test_what_a_decision_raises_is_its_own(self, book: BookWords, committed: Committed) -> None:
        item_id = await book.list_item()

        def broken(auction: Auction, at: datetime) -> Decision:
            raise KeyError("a bug")

        results = await asyncio.gather(
            book.bid(item_id, 1), book.decide(item_id, broken), book.bid(item_id, 2), return_exceptions=True
        )
        assert isinstance(results[1], KeyError)
        assert committed.amounts(item_id) == [1, 2]

    async def test_a_raised_maximum_makes_no_event_and_is_answered_with_the_standing_bid(
        self, book: BookWords, committed: Committed
    ) -> None:
        item_id, leader = await book.list_item(), new_user()
        bid, raised = await asyncio.gather(
            book.bid(item_id, 100, by=leader, max_amount=200), book.bid(item_id, 100, by=leader, max_amount=900)
        )
        assert bid.bid is not None
        assert raised.bid == bid.bid
        state = await self.state(book, item_id)
        assert (state.price, state.leader_maximum, state.seq, state.revision) == (100, 900, 2, 3)
        assert [event.seq for event in committed.events(item_id)] == [1, 2]

    async def test_the_events_of_one_decision_come_together(self, book: BookWords, committed: Committed) -> None:
        item_id = await book.list_item(increment=100, start_price=1_000)
        anna = new_user()
        await book.bid(item_id, 1_000, by=anna, max_amount=5_000)
        answer = await book.bid(item_id, 2_000)
        assert answer.auction.leader_id == anna
        assert committed.amounts(item_id) == [1_000, 2_000, 2_100]
        assert [event.seq for event in committed.changes[-1].events] == [3, 4]

    async def test_a_cancelled_item_has_the_status_cancelled_and_takes_no_bid(self, book: BookWords) -> None:
        item_id = await book.list_item()
        answer = await book.decide(item_id, lambda auction, at: cancel_item(auction, at, SELLER))
        assert (answer.bid, answer.auction.cancelled_at) == (None, answer.at)
        with pytest.raises(BidRefused) as refused:
            await book.bid(item_id, 1)
        assert refused.value.reason is BidRefusal.CANCELLED

    async def test_buy_now_is_answered_with_the_bid_and_closes(self, book: BookWords) -> None:
        item_id, buyer = await book.list_item(buy_now_price=700), new_user()
        answer = await book.decide(item_id, lambda auction, at: buy_now(auction, at, buyer))
        assert answer.bid is not None
        assert (answer.bid.amount, answer.bid.seq) == (700, 2)
        assert (answer.auction.sold, answer.auction.leader_id, answer.auction.closed_at) == (True, buyer, answer.at)

    async def test_an_auction_that_is_not_due_is_left_alone(self, book: BookWords) -> None:
        item_id = await book.list_item()
        before = await self.state(book, item_id)
        assert (await book.decide(item_id, close_due)).auction == before

    async def test_changed_texts_raise_the_revision_alone(self, book: BookWords, committed: Committed) -> None:
        item_id = await book.list_item(title="Old")
        changes = ListingChanges(title="New")
        answer = await book.decide(item_id, lambda auction, at: update_item(auction, at, SELLER, changes))
        assert (answer.auction.seq, answer.auction.revision) == (1, 2)
        change = committed.changes[-1]
        assert (change.revision_before, change.events, change.texts_changed) == (1, (), True)

    async def test_a_command_past_its_deadline_has_no_effect(self, book: BookWords, committed: Committed) -> None:
        item_id = await book.list_item()
        with pytest.raises(DeadlineExceeded):
            await book.bid(item_id, 1, call=soon(-1))
        assert (await self.state(book, item_id)).seq == 1

    async def test_an_item_past_its_deadline_is_not_listed(self, book: BookWords) -> None:
        def never(at: datetime) -> Decision:
            raise AssertionError("decided all the same")

        with pytest.raises(DeadlineExceeded):
            await book.book.open(never, Listing(title="late"), call=soon(-1))

    async def test_a_key_stands_for_one_request_and_its_first_bid(self, book: BookWords, committed: Committed) -> None:
        item_id, user = await book.list_item(), new_user()
        bid, key = new_bid(user, 5, 0), RetryKey(user, "k", "five")

        async def ask(with_key: RetryKey) -> Answer:
            return await book.book.update(
                item_id, lambda auction, at: place_bid(auction, at, bid), call=soon(), key=with_key
            )

        first, again = await asyncio.gather(ask(key), ask(key))
        await book.bid(item_id, 9)
        later = await ask(key)
        assert (first.replayed, again.replayed, later.replayed) == (False, True, True)
        assert first.bid == again.bid == later.bid
        assert later.auction.price == 9, "a replay tells the item's present state"
        with pytest.raises(KeyReused):
            await ask(RetryKey(user, "k", "six"))
        assert committed.amounts(item_id) == [5, 9]

    async def test_a_submitted_command_is_answered_once_by_a_callback_and_never_within_submit(
        self, book: BookWords
    ) -> None:
        item_id, unknown = await book.list_item(), NOBODYS
        outcomes: asyncio.Queue[Answer | Exception] = asyncio.Queue()
        for each, call in ((item_id, soon()), (unknown, soon()), (item_id, soon(-1))):
            book.book.submit(each, unchanged, outcomes.put_nowait, call=call)
            assert outcomes.empty()
        kinds = {type(await asyncio.wait_for(outcomes.get(), PATIENCE_SECONDS)) for _ in range(3)}
        assert kinds == {Answer, ItemNotFound, DeadlineExceeded}
        await self.state(book, item_id)
        assert outcomes.empty()

    async def test_what_was_committed_last_is_seen_and_never_something_newer(self, book: BookWords) -> None:
        item_id = await book.list_item()
        assert book.book.last_seen(NOBODYS) is None
        answer = await book.bid(item_id, 5)
        seen = book.book.last_seen(item_id)
        assert seen is not None
        assert seen.auction == answer.auction
        assert seen.now() >= answer.at
