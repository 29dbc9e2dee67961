"""One item saturated: those who bid on quiet items wait for two batches at most."""

import asyncio
from itertools import count

import pytest

from gavel.bids.adapters.postgres.writing.lane import LANE_BATCH_COMMANDS_MAX
from gavel.bids.domain.auction import ItemId
from tests.auction_house import House, until

pytestmark = [pytest.mark.integration, pytest.mark.race]

QUIET_ITEMS = 100


async def test_100_quiet_items_bids_wait_at_most_two_batches_behind_a_saturated_one(house: House) -> None:
    hot, quiet = await house.list_item(), [await house.list_item() for _ in range(QUIET_ITEMS)]
    amounts = count(1)
    hot_bids = [asyncio.create_task(house.bid(hot, next(amounts))) for _ in range(12 * LANE_BATCH_COMMANDS_MAX)]

    def batches() -> int:
        """How many have been committed: a bid is answered after its own was counted."""
        return sum(house.book.metrics.commands.counts)

    async def saturated() -> bool:
        await asyncio.sleep(0)
        return batches() >= 2

    async def quiet_bid(item_id: ItemId) -> int:
        arrived = batches()
        await house.bid(item_id, 1)
        return batches() - arrived - 1

    await until(saturated)

    waited = await asyncio.gather(*(quiet_bid(item_id) for item_id in quiet))
    assert max(waited) <= 2
    assert any(not bid.done() for bid in hot_bids), "the item was not saturated"
    await asyncio.gather(*hot_bids)
    assert await house.amounts(hot) == list(range(1, len(hot_bids) + 1))
