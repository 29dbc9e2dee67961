"""Early refusal: only a bid that no newer state could accept is refused without the database.

Each test holds the item's lock: what is answered all the same was answered early, and what waits was not.
"""

from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from gavel.bids.domain.auction import Auction, ItemId, SoftClose, UserId
from gavel.bids.domain.bidding import new_bid, place_bid
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.decision import Decision
from gavel.bids.domain.refusals import BidRefusal, BidRefused, InvalidInput
from gavel.bids.ports.book import DeadlineExceeded
from tests.auction_house import SELLER, House, new_user, open_house, soon, unchanged, until

pytestmark = pytest.mark.integration

LEADER = new_user()


@pytest.fixture
async def item_id(house: House) -> ItemId:
    """An item on which the leader has bid 100, seen by this house; the next bid is 110 at least."""
    item_id = await house.list_item(increment=10)
    await house.bid(item_id, 100, by=LEADER)
    return item_id


def _seen(house: House, item_id: ItemId) -> tuple[Auction, datetime]:
    seen = house.book.last_seen(item_id)
    assert seen is not None
    return seen.auction, seen.now()


async def _waits_for_the_database(
    house: House, item_id: ItemId, amount: int, *, by: UserId | None = None, max_amount: int = 0, key: str = ""
) -> bool:
    """Whether the bid was not answered while the item was locked."""
    async with house.lock_held(item_id):
        try:
            await house.bid(item_id, amount, by=by, max_amount=max_amount, key=key, call=soon(0.1))
        except BidRefused:
            return False
        except DeadlineExceeded:
            return True
    raise AssertionError("accepted without the lock")


async def test_below_a_minimum_that_was_seen_committed_is_refused_at_once(house: House, item_id: ItemId) -> None:
    async with house.lock_held(item_id):
        with pytest.raises(BidRefused) as refused:
            await house.bid(item_id, 109, call=soon(0.1))
    assert (refused.value.reason, refused.value.minimum_next_bid) == (BidRefusal.TOO_LOW, 110)


async def test_the_minimum_itself_is_not(house: House, item_id: ItemId) -> None:
    assert await _waits_for_the_database(house, item_id, 110)


async def test_a_bid_with_a_key_is_not_since_it_may_be_a_replay(house: House, item_id: ItemId) -> None:
    assert await _waits_for_the_database(house, item_id, 50, key="k")


async def test_a_bid_with_a_maximum_is_not(house: House, item_id: ItemId) -> None:
    assert await _waits_for_the_database(house, item_id, 50, max_amount=500)


async def test_the_sellers_bid_is_not_since_another_reason_comes_first(house: House, item_id: ItemId) -> None:
    assert await _waits_for_the_database(house, item_id, 50, by=SELLER)


async def test_the_leaders_bid_is_not_since_another_reason_comes_first(house: House, item_id: ItemId) -> None:
    assert await _waits_for_the_database(house, item_id, 50, by=LEADER)


async def test_an_item_that_this_process_has_not_seen_is_not(shared_bid_db_url: str, house: House) -> None:
    item_id = await house.list_item(increment=10)
    async with open_house(shared_bid_db_url) as other:
        await other.bid(item_id, 100)
        assert other.book.last_seen(item_id) is not None
    assert house.book.last_seen(item_id) is None
    assert await _waits_for_the_database(house, item_id, 50)


async def test_an_item_known_to_have_ended_is_not(house: House, item_id: ItemId) -> None:
    await house.end_now(item_id)
    assert (await house.decide(item_id, close_due)).auction.closed_at is not None
    assert await _waits_for_the_database(house, item_id, 50)


async def _listed_and_bid_on_in_time(house: House) -> ItemId:
    """An auction of a second that has a bid; again where the machine took longer than that."""
    while True:
        with suppress(InvalidInput, BidRefused):
            item_id = await house.list_item(ends_in=timedelta(seconds=1), soft_close=SoftClose(window_seconds=0))
            await house.bid(item_id, 100)
            return item_id


async def test_an_item_whose_end_has_passed_since_by_the_estimated_clock_is_not(house: House) -> None:
    item_id = await _listed_and_bid_on_in_time(house)

    async def ended() -> bool:
        auction, at = _seen(house, item_id)
        return at >= auction.end_at

    await until(ended)
    assert _seen(house, item_id)[0].closed_at is None
    assert await _waits_for_the_database(house, item_id, 50)


async def test_the_estimated_clock_is_the_databases(house: House, item_id: ItemId) -> None:
    seen = _seen(house, item_id)
    now: datetime = await house.pool.fetchval("SELECT clock_timestamp()")
    assert abs(now - seen[1]) < timedelta(seconds=30)


async def test_what_is_seen_is_never_newer_than_what_is_committed(house: House, item_id: ItemId) -> None:
    def refused_after_all(auction: Auction, at: datetime) -> Decision:
        decision = place_bid(auction, at, new_bid(new_user(), 9_000, 0))
        assert house.book.last_seen(item_id) is not None
        raise RuntimeError(f"price {decision.auction.price} never came to be")

    with pytest.raises(RuntimeError):
        await house.decide(item_id, refused_after_all)
    seen = _seen(house, item_id)
    assert seen[0].price == 100


async def test_what_another_process_committed_is_seen_with_the_next_decision(
    shared_bid_db_url: str, house: House, item_id: ItemId
) -> None:
    async with open_house(shared_bid_db_url) as other:
        await other.bid(item_id, 500)
    seen = _seen(house, item_id)
    assert seen[0].price == 100, "older than the truth is fine"
    await house.decide(item_id, unchanged)
    seen = _seen(house, item_id)
    assert seen[0].price == 500
