"""Three processes on one item: the row lock is the arbiter, and the log has no gap."""

import asyncio
import random
from itertools import count, pairwise

import pytest

from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.decision import Answer
from gavel.bids.domain.refusals import BidRefused
from tests.auction_house import House, new_user, open_house

pytestmark = [pytest.mark.integration, pytest.mark.race]

TASKS, BIDS_EACH = 64, 25


async def _bid_from_all(houses: list[House], item_id: ItemId, rising: bool) -> list[Answer]:
    """Everyone bids at one moment, some rising amounts and some any; the acknowledged ones."""
    amounts, chance, accepted = count(1), random.Random(7), list[Answer]()

    async def bidder(number: int) -> None:
        user, house = new_user(), houses[number % len(houses)]
        for _ in range(BIDS_EACH):
            amount = next(amounts) if rising else chance.randint(1, TASKS * BIDS_EACH)
            maximum = 0 if rising or chance.random() < 0.7 else amount + chance.randint(0, 50)
            try:
                accepted.append(await house.bid(item_id, amount, by=user, max_amount=maximum))
            except BidRefused:
                continue

    await asyncio.gather(*(bidder(number) for number in range(TASKS)))
    return accepted


@pytest.mark.parametrize("rising", [True, False], ids=["rising", "random"])
async def test_seq_has_no_gap_amounts_rise_and_every_acknowledged_bid_is_stored(
    shared_bid_db_url: str, rising: bool
) -> None:
    async with (
        open_house(shared_bid_db_url) as one,
        open_house(shared_bid_db_url) as two,
        open_house(shared_bid_db_url) as three,
    ):
        item_id = await one.list_item()
        accepted = await _bid_from_all([one, two, three], item_id, rising)
        rows = await one.pool.fetch("SELECT * FROM bids WHERE item_id = $1 ORDER BY seq", item_id)
        state = await one.state(item_id)
    assert accepted
    assert [row["seq"] for row in rows] == list(range(2, len(rows) + 2))
    for before, after in pairwise(rows):
        assert after["amount"] > before["amount"] or (after["automatic"] and after["amount"] == before["amount"])
        assert after["created_at"] >= before["created_at"]
    stored = {(row["seq"], row["amount"], str(row["user_id"])) for row in rows}
    told = [(answer.bid.seq, answer.bid.amount, answer.bid.user_id) for answer in accepted if answer.bid]
    assert set(told) <= stored
    assert (state["seq"], state["bid_count"], state["price"]) == (len(rows) + 1, len(rows), rows[-1]["amount"])
    assert state["leader_id"] == rows[-1]["user_id"]


async def test_processes_that_name_the_same_items_in_other_orders_never_block_each_other(
    shared_bid_db_url: str,
) -> None:
    async with open_house(shared_bid_db_url) as one, open_house(shared_bid_db_url) as two:
        items = [await one.list_item() for _ in range(20)]

        async def bid(house: House, item_id: ItemId, amount: int) -> None:
            try:
                await house.bid(item_id, amount)
            except BidRefused:
                return

        for amount in range(1, 6):
            await asyncio.gather(
                *(bid(one, item_id, 2 * amount) for item_id in items),
                *(bid(two, item_id, 2 * amount + 1) for item_id in reversed(items)),
            )
        deadlocks = await one.pool.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert deadlocks == 0
        assert {(await one.state(item_id))["price"] for item_id in items} == {11}
