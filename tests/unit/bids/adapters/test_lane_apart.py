"""Items that are locked by others: set apart by the lane, decided in order, back when they are served."""

import asyncio

from gavel.bids.adapters.postgres.writing.lane import Command
from gavel.bids.domain.auction import ItemId
from gavel.bids.ports.book import DeadlineExceeded
from tests.unit.bids.adapters.lane_batches import (
    HOT,
    SIDES,
    Caller,
    quiet_item,
    running_lane,
    until_holds,
)


async def test_a_held_items_commands_and_those_that_come_later_are_decided_apart_in_order() -> None:
    async with running_lane() as batches:
        batches.held = {HOT}
        first = batches.submit([HOT, HOT])
        assert await batches.next() == first
        during = batches.submit([HOT])
        batches.let_go()
        assert await batches.next_apart() == [*first, *during]
        later = batches.submit([HOT, HOT])
        assert batches.lane.waiting_count == 2
        batches.let_go_apart()
        assert await batches.next_apart() == later
        batches.held = set()
        batches.let_go_apart()
        await until_holds(lambda: not batches.lane.apart_count)
        again = batches.submit([HOT])
        assert await batches.next() == again


async def test_quiet_items_are_not_delayed_by_one_that_is_held() -> None:
    async with running_lane() as batches:
        batches.held = {HOT}
        [_, quiet] = batches.submit([HOT, quiet_item(1)])
        assert quiet in await batches.next()
        batches.let_go()
        await batches.next_apart()
        for number in range(3):
            commands = batches.submit([HOT, quiet_item(number)])
            assert await batches.next() == commands[1:]
            batches.let_go()


async def test_held_items_take_turns_on_the_side_runners() -> None:
    async with running_lane() as batches:
        items = [quiet_item(number) for number in range(SIDES + 1)]
        batches.held = set(items)
        commands = batches.submit(items)
        await batches.next()
        batches.let_go()
        under_way = [await batches.next_apart() for _ in range(SIDES)]
        more = batches.submit(items)
        served: list[list[Command]] = []
        for _ in range(SIDES + 1):
            batches.let_go_apart()
            served.append(await batches.next_apart())
        assert served[0] == [commands[-1], more[-1]], "an item that came back was before one that waits"
        in_order = [command for batch in (*under_way, *served) for command in batch]
        for item_id in items:
            own = [command for command in (*commands, *more) if command.item_id == item_id]
            assert [command for command in in_order if command.item_id == item_id] == own


async def test_a_command_that_waits_apart_can_be_withdrawn_and_has_its_deadline() -> None:
    async with running_lane() as batches:
        batches.held = {HOT}
        batches.submit([HOT])
        await batches.next()
        batches.let_go()
        await batches.next_apart()
        leaves, late, stays = Caller(HOT), Caller(HOT, asyncio.get_running_loop().time() + 0.01), Caller(HOT)
        for caller in (leaves, late, stays):
            batches.lane.submit(caller.command)
        assert leaves.command.withdraw()
        assert isinstance(await late.outcome(), DeadlineExceeded)
        batches.let_go_apart()
        assert await batches.next_apart() == [stays.command]


async def test_a_command_that_was_skipped_can_be_withdrawn_again() -> None:
    async with running_lane() as batches:
        batches.held = {ItemId("held"), HOT, *map(quiet_item, range(SIDES))}
        batches.submit(map(quiet_item, range(SIDES)))
        await batches.next()
        batches.let_go()
        for _ in range(SIDES):
            await batches.next_apart()
        caller = Caller(HOT)
        batches.lane.submit(caller.command)
        await batches.next()
        assert not caller.command.withdraw()
        batches.let_go()
        await until_holds(lambda: batches.lane.waiting_count > 0)
        assert caller.command.withdraw()


async def test_a_lane_that_closes_serves_items_set_apart_too() -> None:
    async with running_lane() as batches:
        batches.held = {HOT}
        batches.submit([HOT])
        await batches.next()
        batches.let_go()
        await batches.next_apart()
        later = batches.submit([HOT])
        batches.lane.close()
        batches.let_go_apart()
        assert await batches.next_apart() == later


async def test_what_waits_apart_is_abandoned_with_the_rest() -> None:
    async with running_lane() as batches:
        batches.held = {HOT}
        batches.submit([HOT])
        await batches.next()
        batches.let_go()
        await batches.next_apart()
        waiting = batches.submit([HOT, HOT])
        assert batches.lane.abandon() == waiting
        assert batches.lane.waiting_count == 0
