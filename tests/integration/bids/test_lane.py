"""The lane alone: what is taken when, and what is turned away."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime

import pytest

from gavel.bids.adapters.postgres.writing.lane import LANE_BATCH_COMMANDS_MAX, LANE_COMMANDS_MAX, Command, Lane
from gavel.bids.domain.auction import Auction
from gavel.bids.domain.decision import Decision
from gavel.bids.domain.ids import ItemId
from gavel.bids.ports.book import Call, Overloaded, Unavailable

HOT, QUIET = ItemId("hot"), ItemId("quiet")


def _never(auction: Auction, at: datetime) -> Decision:
    raise AssertionError("the lane itself decides nothing")


class Taken:
    """A lane whose batches are recorded, and each of which lasts until the test lets it end."""

    def __init__(self) -> None:
        self.lane = Lane(self._record)
        self.batches: list[list[Command]] = []
        self._ends = asyncio.Semaphore(0)
        self._begun = asyncio.Condition()

    async def _record(self, batch: list[Command]) -> None:
        async with self._begun:
            self.batches.append(batch)
            self._begun.notify_all()
        await self._ends.acquire()

    def submit(self, item_id: ItemId, commands: int = 1) -> list[Command]:
        """Queue so many commands of an item."""
        futures = (asyncio.get_running_loop().create_future() for _ in range(commands))
        made = [Command(item_id, _never, Call(0), None, future) for future in futures]
        for command in made:
            self.lane.submit(command)
        return made

    async def batch(self, number: int) -> list[ItemId]:
        """The items of the batch of this number, once it has begun; the batches before it are let end."""
        async with self._begun:
            while len(self.batches) <= number:
                if self.batches:
                    self._ends.release()
                await self._begun.wait()
        return [command.item_id for command in self.batches[number]]

    def end_all(self) -> None:
        """Let every batch end as it comes."""
        for _ in range(LANE_COMMANDS_MAX):
            self._ends.release()


@pytest.fixture
async def taken() -> AsyncGenerator[Taken]:
    """A running lane."""
    taken = Taken()
    runner = asyncio.create_task(taken.lane.run())
    yield taken
    taken.lane.close()
    taken.end_all()
    await runner


async def test_an_idle_lane_takes_a_command_at_once(taken: Taken) -> None:
    taken.submit(QUIET)
    async with asyncio.timeout(30):
        assert await taken.batch(0) == [QUIET]


async def test_what_arrives_during_a_batch_is_the_next_batch(taken: Taken) -> None:
    taken.submit(QUIET)
    await taken.batch(0)
    made = taken.submit(HOT, 64)
    await taken.batch(1)
    assert taken.batches[1] == made


async def test_a_batch_is_bounded_and_the_order_of_arrival_stays(taken: Taken) -> None:
    made = taken.submit(HOT, 2 * LANE_BATCH_COMMANDS_MAX + 10)
    await taken.batch(2)
    assert [len(batch) for batch in taken.batches] == [LANE_BATCH_COMMANDS_MAX, LANE_BATCH_COMMANDS_MAX, 10]
    assert [command for batch in taken.batches for command in batch] == made


@pytest.mark.parametrize("hot_items", [1, 2, 7, 100])
async def test_a_quiet_items_bid_waits_at_most_two_batches_behind_hot_ones(taken: Taken, hot_items: int) -> None:
    for number in range(hot_items):
        taken.submit(ItemId(f"hot {number}"), LANE_COMMANDS_MAX // hot_items - 1)
    await taken.batch(3)
    taken.submit(QUIET)
    assert QUIET in await taken.batch(4), "it waited for more than the batch under way"
    assert len(taken.batches[4]) == LANE_BATCH_COMMANDS_MAX, "its share was kept free at the cost of others"


async def test_where_more_items_wait_than_a_batch_has_room_for_each_gets_its_turn(taken: Taken) -> None:
    taken.submit(HOT)
    await taken.batch(0)
    items = [ItemId(f"item {number}") for number in range(2 * LANE_BATCH_COMMANDS_MAX)]
    for _ in range(2):
        for item_id in items:
            taken.submit(item_id)
    assert await taken.batch(1) + await taken.batch(2) == items
    assert await taken.batch(3) + await taken.batch(4) == items


async def test_a_full_lane_answers_with_a_retry_hint_at_once_and_takes_again_when_it_has_room(taken: Taken) -> None:
    taken.submit(HOT)
    await taken.batch(0)
    taken.submit(HOT, LANE_COMMANDS_MAX)
    with pytest.raises(Overloaded) as refused:
        taken.submit(QUIET)
    assert refused.value.retry_after_seconds > 0
    assert taken.lane.waiting_count == LANE_COMMANDS_MAX
    await taken.batch(1)
    taken.submit(QUIET)
    assert QUIET in await taken.batch(2)


async def test_a_command_whose_caller_went_away_is_not_taken(taken: Taken) -> None:
    taken.submit(HOT)
    await taken.batch(0)
    gone, stays = taken.submit(QUIET, 2)
    gone.answer.cancel()
    await taken.batch(1)
    assert taken.batches[1] == [stays]
    assert taken.lane.waiting_count == 0


async def test_a_closed_lane_takes_nothing_more_and_serves_what_waits() -> None:
    taken = Taken()
    taken.submit(HOT, LANE_BATCH_COMMANDS_MAX + 1)
    taken.lane.close()
    with pytest.raises(Unavailable):
        taken.submit(QUIET)
    taken.end_all()
    await asyncio.wait_for(taken.lane.run(), 30)
    assert sum(len(batch) for batch in taken.batches) == LANE_BATCH_COMMANDS_MAX + 1


async def test_what_is_abandoned_is_handed_over_and_waits_no_more(taken: Taken) -> None:
    taken.submit(HOT)
    await taken.batch(0)
    made = taken.submit(HOT, 3) + taken.submit(QUIET)
    assert taken.lane.abandon() == made
    assert taken.lane.waiting_count == 0
