"""One item saturated: those who bid on quiet items wait for two batches at most."""

import asyncio
from itertools import count

import pytest

from gavel.bids.adapters.postgres.writing.lane import LANE_BATCH_COMMANDS_MAX, Command
from gavel.bids.domain.ids import ItemId
from tests.auction_house import House, until

pytestmark = [pytest.mark.integration, pytest.mark.race]

QUIET_ITEMS = 100


async def test_100_quiet_items_bids_wait_at_most_two_batches_behind_a_saturated_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hot, quiet = await house.list_item(), [await house.list_item() for _ in range(QUIET_ITEMS)]
    batches = count()
    newest = 0
    run_batch = house.book._lane._run_batch

    async def counted(commands: list[Command]) -> None:
        nonlocal newest
        newest = next(batches)
        await run_batch(commands)

    monkeypatch.setattr(house.book._lane, "_run_batch", counted)
    amounts = count(1)
    hot_bids = [asyncio.create_task(house.bid(hot, next(amounts))) for _ in range(12 * LANE_BATCH_COMMANDS_MAX)]

    async def saturated() -> bool:
        await asyncio.sleep(0)
        return newest >= 2

    async def quiet_bid(item_id: ItemId) -> int:
        arrived = newest
        await house.bid(item_id, 1)
        return newest - arrived

    await until(saturated)

    waited = await asyncio.gather(*(quiet_bid(item_id) for item_id in quiet))
    assert max(waited) <= 2
    assert any(not bid.done() for bid in hot_bids), "the item was not saturated"
    await asyncio.gather(*hot_bids)
    assert await house.amounts(hot) == list(range(1, len(hot_bids) + 1))
