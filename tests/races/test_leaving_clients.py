"""Clients that leave at any moment: their bid is committed once or not at all, and nothing is left open."""

import asyncio
import random

import pytest

from gavel.bids.domain.refusals import BidRefused
from tests.auction_house import House, new_user, until

pytestmark = [pytest.mark.integration, pytest.mark.race]

CLIENTS = 150


async def test_a_caller_that_leaves_has_bid_once_or_not_at_all(house: House) -> None:
    item_id, chance = await house.list_item(), random.Random(11)
    users = [new_user() for _ in range(CLIENTS)]

    async def client(number: int) -> bool:
        bidding = asyncio.create_task(house.bid(item_id, number + 1, by=users[number], key="k"))
        # Some leave before they are taken, some while they are decided or committed, some not at all.
        await asyncio.wait([bidding], timeout=chance.choice([0, 0.001, 0.002, 0.004, 0.008, 10]))
        bidding.cancel()
        await asyncio.wait([bidding])
        return not bidding.cancelled()

    answered = await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    await until(house.no_lane_in_a_transaction)
    rows = await house.pool.fetch("SELECT seq, amount, user_id FROM bids WHERE item_id = $1 ORDER BY seq", item_id)
    by_user = [str(row["user_id"]) for row in rows]
    assert len(set(by_user)) == len(by_user)
    assert [row["seq"] for row in rows] == list(range(2, len(rows) + 2))
    assert any(answered)
    assert not all(answered)
    for user, was_answered in zip(users, answered, strict=True):
        assert user in by_user or not was_answered


async def test_a_retry_with_the_key_gets_the_one_bid(house: House) -> None:
    item_id, user, chance = await house.list_item(), new_user(), random.Random(13)
    for _ in range(40):
        bidding = asyncio.create_task(house.bid(item_id, 5, by=user, key="k"))
        await asyncio.wait([bidding], timeout=chance.choice([0, 0.001, 0.003]))
        bidding.cancel()
        await asyncio.wait([bidding])
    answer = await house.bid(item_id, 5, by=user, key="k")
    assert answer.bid is not None
    assert await house.bids(item_id) == [(answer.bid.seq, 5)]


async def test_a_seller_who_leaves_has_listed_the_item_whole_or_not_at_all(house: House) -> None:
    chance = random.Random(17)
    before = await house.pool.fetchval("SELECT count(*) FROM auctions")
    for _ in range(30):
        listing = asyncio.create_task(house.list_item())
        await asyncio.wait([listing], timeout=chance.choice([0, 0.001, 0.002, 0.004]))
        listing.cancel()
        await asyncio.wait([listing])
    halves = await house.pool.fetchval(
        "SELECT count(*) FROM auctions a FULL JOIN listings l USING (item_id)"
        " WHERE a.item_id IS NULL OR l.item_id IS NULL"
        " OR NOT EXISTS (SELECT FROM item_events e WHERE e.item_id = a.item_id AND e.seq = 1)"
    )
    assert halves == 0
    assert await house.pool.fetchval("SELECT count(*) FROM auctions") >= before

    async def nothing_open() -> bool:
        return not await house.pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )

    await until(nothing_open)
    with pytest.raises(BidRefused):
        await house.bid(await house.list_item(start_price=10), 9)
