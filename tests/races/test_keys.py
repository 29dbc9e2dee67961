"""Idempotency keys under pressure: one bid a key, one item a key, and the same answer for all who ask."""

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gavel.bids.domain.auction import UserId
from gavel.bids.domain.decision import Answer
from gavel.bids.domain.listing import Draft
from gavel.bids.domain.refusals import InvalidInput, KeyReused
from gavel.bids.domain.texts import Listing
from tests.auction_house import House, explained, new_user, open_house

pytestmark = [pytest.mark.integration, pytest.mark.race]


async def test_one_key_100_times_in_parallel_is_one_bid_and_one_answer(shared_bid_db_url: str) -> None:
    async with open_house(shared_bid_db_url) as one, open_house(shared_bid_db_url) as two:
        item_id, user = await one.list_item(), new_user()
        calls = ((one, two)[number % 2].bid(item_id, 100, by=user, key="k") for number in range(100))
        answers = await asyncio.gather(*calls)
        assert len({answer.bid for answer in answers}) == 1
        assert {answer.auction.price for answer in answers} == {100}
        assert [answer.replayed for answer in answers].count(False) == 1
        assert await one.amounts(item_id) == [100]
        events = await one.pool.fetchval("SELECT count(*) FROM bid_keys WHERE item_id = $1", item_id)
        assert events == 1


async def test_the_same_key_after_a_restart_is_the_same_answer(shared_bid_db_url: str) -> None:
    user = new_user()
    async with open_house(shared_bid_db_url) as before:
        item_id = await before.list_item()
        first = await before.bid(item_id, 100, by=user, key="k")
        await before.bid(item_id, 200)
    async with open_house(shared_bid_db_url) as after:
        answers = await asyncio.gather(*(after.bid(item_id, 100, by=user, key="k") for _ in range(100)))
        assert {answer.bid for answer in answers} == {first.bid}
        assert {(answer.replayed, answer.auction.price) for answer in answers} == {(True, 200)}
        assert await after.amounts(item_id) == [100, 200]


async def test_the_same_key_with_another_amount_or_maximum_is_reused(house: House) -> None:
    item_id, user = await house.list_item(), new_user()
    await house.bid(item_id, 100, by=user, key="k")
    results = await asyncio.gather(
        house.bid(item_id, 101, by=user, key="k"),
        house.bid(item_id, 100, by=user, max_amount=200, key="k"),
        house.bid(item_id, 99, by=user, key="k"),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [KeyReused] * 3
    assert await house.amounts(item_id) == [100]


async def test_of_two_amounts_under_one_key_at_one_moment_one_is_accepted(house: House) -> None:
    item_id, user = await house.list_item(), new_user()
    calls = (house.bid(item_id, 100 + number % 2, by=user, key="k") for number in range(100))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert explained(results) == {"answers": 50, "KeyReused": 50}
    assert len(await house.amounts(item_id)) == 1


async def test_the_same_key_by_another_user_or_on_another_item_is_independent(house: House) -> None:
    item_id, other_item = await house.list_item(), await house.list_item()
    anna, bela = new_user(), new_user()
    answers = await asyncio.gather(
        house.bid(item_id, 100, by=anna, key="k"),
        house.bid(item_id, 200, by=bela, key="k"),
        house.bid(other_item, 300, by=anna, key="k"),
    )
    assert [answer.replayed for answer in answers] == [False] * 3
    assert (await house.amounts(item_id), await house.amounts(other_item)) == ([100, 200], [300])


async def test_a_refused_bid_leaves_its_key_free(house: House) -> None:
    item_id, user = await house.list_item(start_price=100), new_user()
    results = await asyncio.gather(
        house.bid(item_id, 50, by=user, key="k"), house.bid(item_id, 100, by=user, key="k"), return_exceptions=True
    )
    assert explained(results) == {"BidRefused": 1, "answers": 1}
    assert isinstance(results[1], Answer)


def _draft(seller_id: UserId) -> Draft:
    end_at = datetime.now(UTC) + timedelta(hours=1)
    return Draft(seller_id=seller_id, listing=Listing(title="A vase"), end_at=end_at, start_price=100)


async def _items(house: House, seller_id: UserId) -> int:
    return await house.pool.fetchval("SELECT count(*) FROM auctions WHERE seller_id = $1", seller_id)


async def test_one_key_100_times_in_parallel_is_one_item_and_one_event(shared_bid_db_url: str) -> None:
    draft = _draft(new_user())
    async with open_house(shared_bid_db_url) as one, open_house(shared_bid_db_url) as two:
        calls = ((one, two)[number % 2].list_draft(draft, key="k") for number in range(100))
        answers = await asyncio.gather(*calls)
        assert len({answer.auction for answer in answers}) == 1
        assert [answer.replayed for answer in answers].count(False) == 1
        assert await _items(one, draft.seller_id) == 1
        item_id = answers[0].auction.item_id
        for table in ("listings", "item_events", "item_keys"):
            assert await one.pool.fetchval(f"SELECT count(*) FROM {table} WHERE item_id = $1", item_id) == 1


async def test_the_same_key_after_a_restart_is_the_same_item_as_it_is_now(shared_bid_db_url: str) -> None:
    draft = _draft(new_user())
    async with open_house(shared_bid_db_url) as before:
        first = await before.list_draft(draft, key="k")
        await before.bid(first.auction.item_id, 200)
        await before.end_now(first.auction.item_id)
    async with open_house(shared_bid_db_url) as after:
        # The end that it names has passed: a new item could not have it.
        answers = await asyncio.gather(*(after.list_draft(draft, key="k") for _ in range(100)))
        assert {answer.auction.item_id for answer in answers} == {first.auction.item_id}
        assert {(answer.replayed, answer.auction.price) for answer in answers} == {(True, 200)}
        assert await _items(after, draft.seller_id) == 1


async def test_the_same_key_with_other_contents_is_reused(house: House) -> None:
    draft = _draft(new_user())
    await house.list_draft(draft, key="k")
    others = (
        replace(draft, start_price=101),
        replace(draft, reserve_price=500),
        replace(draft, end_at=draft.end_at + timedelta(microseconds=1)),
        replace(draft, listing=Listing(title="A vase", images=("/a.png",))),
    )
    results = await asyncio.gather(*(house.list_draft(other, key="k") for other in others), return_exceptions=True)
    assert explained(results) == {"KeyReused": len(others)}
    assert await _items(house, draft.seller_id) == 1


async def test_of_two_items_under_one_key_at_one_moment_one_is_listed(house: House) -> None:
    draft = _draft(new_user())
    calls = (house.list_draft(replace(draft, start_price=100 + number % 2), key="k") for number in range(100))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert explained(results) == {"answers": 50, "KeyReused": 50}
    assert await _items(house, draft.seller_id) == 1


async def test_the_same_key_of_another_seller_or_no_key_is_another_item(house: House) -> None:
    draft, other = _draft(new_user()), new_user()
    answers = await asyncio.gather(
        house.list_draft(draft, key="k"),
        house.list_draft(replace(draft, seller_id=other), key="k"),
        house.list_draft(draft, key="another"),
        house.list_draft(draft),
        house.list_draft(draft),
    )
    assert [answer.replayed for answer in answers] == [False] * 5
    assert (await _items(house, draft.seller_id), await _items(house, other)) == (4, 1)


async def test_an_item_that_may_not_be_listed_leaves_its_key_free(house: House) -> None:
    draft = _draft(new_user())
    with pytest.raises(InvalidInput):
        await house.list_draft(replace(draft, start_price=0), key="k")
    assert not (await house.list_draft(draft, key="k")).replayed


async def test_a_seller_who_leaves_and_comes_back_with_the_key_has_one_item(house: House) -> None:
    draft, chance = _draft(new_user()), random.Random(13)
    for _ in range(40):
        listing = asyncio.create_task(house.list_draft(draft, key="k"))
        await asyncio.wait([listing], timeout=chance.choice([0, 0.001, 0.003]))
        listing.cancel()
        await asyncio.wait([listing])
    await house.list_draft(draft, key="k")
    assert await _items(house, draft.seller_id) == 1
