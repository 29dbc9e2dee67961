"""Idempotency keys under pressure: one bid a key, and the same answer for all who ask."""

import asyncio

import pytest

from gavel.bids.domain.decision import Answer
from gavel.bids.domain.refusals import KeyReused
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
