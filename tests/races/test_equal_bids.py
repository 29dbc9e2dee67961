"""Many bid the same at one moment: one wins, whichever process decides."""

import asyncio

import pytest

from gavel.bids.domain.decision import Answer
from gavel.bids.domain.refusals import BidRefusal, BidRefused
from tests.auction_house import House, new_user, open_house

pytestmark = [pytest.mark.integration, pytest.mark.race]


async def test_of_200_equal_bids_one_is_accepted(house: House) -> None:
    item_id = await house.list_item()
    results = await asyncio.gather(*(house.bid(item_id, 100) for _ in range(200)), return_exceptions=True)
    accepted = [result for result in results if isinstance(result, Answer)]
    refused = [result.reason for result in results if isinstance(result, BidRefused)]
    assert len(accepted) == 1
    assert refused == [BidRefusal.TOO_LOW] * 199
    assert await house.amounts(item_id) == [100]


async def test_of_200_equal_bids_through_three_processes_one_is_accepted(shared_bid_db_url: str) -> None:
    async with (
        open_house(shared_bid_db_url) as one,
        open_house(shared_bid_db_url) as two,
        open_house(shared_bid_db_url) as three,
    ):
        item_id = await one.list_item()
        houses = (one, two, three)
        bids = (houses[number % 3].bid(item_id, 100) for number in range(200))
        results = await asyncio.gather(*bids, return_exceptions=True)
        assert [type(result) for result in results].count(Answer) == 1
        assert await one.amounts(item_id) == [100]


async def test_of_equal_maxima_the_earlier_leads(house: House) -> None:
    item_id = await house.list_item()
    users = [new_user() for _ in range(20)]
    results = await asyncio.gather(
        *(house.bid(item_id, 10, by=user, max_amount=500) for user in users), return_exceptions=True
    )
    first = next(result for result in results if isinstance(result, Answer))
    assert first.bid is not None
    state = await house.state(item_id)
    assert str(state["leader_id"]) == first.bid.user_id
    amounts = await house.amounts(item_id)
    assert amounts == sorted(amounts)
