"""Items that another connection has locked: they wait apart, in order, and delay no other."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import datetime

import pytest

from gavel.bids.adapters.postgres.writing import auction_book
from gavel.bids.domain.auction import Auction, ItemId
from gavel.bids.domain.bidding import new_bid, place_bid
from gavel.bids.domain.decision import Answer, Decide, Decision
from gavel.bids.domain.refusals import ItemNotFound
from gavel.bids.ports.book import DeadlineExceeded
from tests.auction_house import House, explained, new_user, open_house, soon, unchanged

pytestmark = [pytest.mark.integration, pytest.mark.race]


@pytest.fixture
async def other(shared_bid_db_url: str) -> AsyncGenerator[House]:
    """The book of another process."""
    async with open_house(shared_bid_db_url) as other:
        yield other


async def test_quiet_items_are_decided_while_others_are_held(house: House) -> None:
    held, quiet = await house.list_item(), [await house.list_item() for _ in range(20)]
    async with house.lock_held(held) as release:
        waiting = asyncio.create_task(house.bid(held, 1))
        for amount in (1, 2):
            bids = [house.bid(item_id, amount) for item_id in quiet]
            together = await asyncio.gather(*bids, house.bid(held, amount + 1, call=soon(0.2)), return_exceptions=True)
            assert isinstance(together.pop(), DeadlineExceeded)
            assert explained(together) == {"answers": 20}
        assert not waiting.done()
        await release()
        assert (await waiting).auction.price == 1


async def test_a_held_items_commands_are_decided_in_order_of_submission(house: House) -> None:
    held, order = await house.list_item(), list[int]()

    def deciding(number: int) -> Decide:
        def decide(auction: Auction, at: datetime) -> Decision:
            order.append(number)
            return place_bid(auction, at, new_bid(new_user(), number, 0))

        return decide

    quiet = await house.list_item()
    async with house.lock_held(held) as release:
        commands: list[asyncio.Task[Answer]] = []
        for number in range(1, 601):
            commands.append(asyncio.create_task(house.decide(held, deciding(number))))
            if number % 50 == 0:
                # A batch that could take the held item, each time.
                await house.decide(quiet, unchanged)
        await house.until_lane_waits()
        assert order == []
        await release()
        later = [asyncio.create_task(house.decide(held, deciding(number))) for number in range(601, 701)]
        await asyncio.gather(*commands, *later)
    assert order == list(range(1, 701))
    assert await house.amounts(held) == order


async def test_more_held_items_than_side_connections_are_all_decided(house: House) -> None:
    items = [await house.list_item() for _ in range(auction_book.LANE_SIDES_MAX + 3)]
    async with AsyncExitStack() as stack:
        releases = [await stack.enter_async_context(house.lock_held(item_id)) for item_id in items]
        bids = [asyncio.create_task(house.bid(item_id, 1)) for item_id in items]
        await house.until_lane_waits()
        for release in releases:
            await release()
        assert explained(await asyncio.gather(*bids)) == {"answers": len(items)}
    assert len(house.lane_connections) <= 1 + auction_book.LANE_SIDES_MAX


async def test_an_item_that_is_held_is_never_not_found_and_one_that_does_not_exist_always(house: House) -> None:
    held = await house.list_item()
    nobodys = ItemId("99999999-9999-4999-8999-999999999999")
    async with house.lock_held(held) as release:
        waiting = asyncio.create_task(house.decide(held, unchanged))
        results = await asyncio.gather(
            house.decide(nobodys, unchanged), house.decide(ItemId("no id"), unchanged), return_exceptions=True
        )
        assert [type(result) for result in results] == [ItemNotFound, ItemNotFound]
        await release()
        await waiting


async def test_an_item_that_another_process_holds_all_the_time_is_decided_in_both(house: House, other: House) -> None:
    """Each waits its turn at the lock: neither starves, however busy the other keeps the item."""
    item_id, is_over = await house.list_item(), asyncio.Event()

    async def keep_busy() -> int:
        decided = 0
        while not is_over.is_set():
            await asyncio.gather(*(other.decide(item_id, unchanged) for _ in range(8)))
            decided += 8
        return decided

    busy = [asyncio.create_task(keep_busy()) for _ in range(4)]
    for amount in range(1, 101):
        assert (await house.bid(item_id, amount)).auction.price == amount
    is_over.set()
    assert sum(await asyncio.gather(*busy)) > 0
    assert await house.amounts(item_id) == list(range(1, 101))


async def test_an_item_set_apart_comes_back_to_the_lane(house: House) -> None:
    held, quiet = await house.list_item(), await house.list_item()
    async with house.lock_held(held) as release:
        waiting = asyncio.create_task(house.bid(held, 1))
        await house.until_lane_waits()
        await release()
        await waiting
    skipped = house.book.metrics.skipped
    assert skipped == 1
    await asyncio.gather(house.bid(held, 2), house.bid(quiet, 1))
    assert house.book.metrics.skipped == skipped
