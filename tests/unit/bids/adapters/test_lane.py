"""The lane: order of arrival, a fair share for each item, bounds, and callers who leave."""

import asyncio
from random import Random

import pytest
from structlog.testing import capture_logs

from gavel.bids.adapters.postgres.writing import lane
from gavel.bids.adapters.postgres.writing.lane import LANE_BATCH_COMMANDS_MAX, LANE_COMMANDS_MAX, Command
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.decision import Answer
from gavel.bids.ports.book import CommandCall, DeadlineExceeded, Overloaded, Unavailable
from tests.unit.bids.adapters.lane_batches import (
    HOT,
    PATIENT,
    Batches,
    Caller,
    drain,
    never_decided,
    quiet_item,
    running_lane,
)


async def test_an_idle_lane_takes_a_command_at_once_and_alone() -> None:
    async with running_lane() as batches:
        for _ in range(3):
            commands = batches.submit([HOT])
            assert await batches.next() == commands
            batches.let_go()


async def test_what_comes_while_a_batch_is_under_way_is_taken_together() -> None:
    async with running_lane() as batches:
        batches.submit([HOT])
        await batches.next()
        waiting = batches.submit([HOT, quiet_item(1), quiet_item(2)])
        assert batches.lane.waiting_count == 3
        batches.let_go()
        assert set(await batches.next()) == set(waiting)
        assert batches.lane.waiting_count == 0


@pytest.mark.parametrize("seed", range(5))
async def test_the_commands_of_an_item_are_taken_in_order_of_arrival(seed: int) -> None:
    random = Random(seed)
    items = [quiet_item(n) for n in range(random.choice((1, 3, 40, 400)))]
    async with running_lane() as batches:
        first = batches.submit(random.choices(items, k=1_000))
        taken = await drain(batches, 500)
        commands = first + batches.submit(random.choices(items, k=1_000))
        taken += await drain(batches, 2_000 - sum(len(batch) for batch in taken))
    order = [command for batch in taken for command in batch]
    assert len(order) == len(set(order)) == 2_000
    for item_id in items:
        assert [c for c in order if c.item_id == item_id] == [c for c in commands if c.item_id == item_id]


@pytest.mark.parametrize("items", [1, 2, 100, 1_000])
async def test_a_batch_is_full_where_enough_waits_and_never_fuller(items: int) -> None:
    async with running_lane() as batches:
        batches.submit(quiet_item(n % items) for n in range(LANE_BATCH_COMMANDS_MAX * 3 + 1))
        taken = await drain(batches, LANE_BATCH_COMMANDS_MAX * 3 + 1)
    assert [len(batch) for batch in taken] == [LANE_BATCH_COMMANDS_MAX] * 3 + [1]


@pytest.mark.parametrize("quiet", [1, 10, 100, LANE_BATCH_COMMANDS_MAX - 1])
async def test_a_quiet_items_bid_waits_at_most_two_batches_behind_a_hot_one(quiet: int) -> None:
    async with running_lane() as batches:
        batches.submit([HOT] * 5_000)
        under_way = await batches.next()
        bids = batches.submit(quiet_item(n) for n in range(quiet))
        batches.let_go()
        following = await batches.next()
    assert {command.item_id for command in under_way} == {HOT}
    assert set(bids) <= set(following)
    assert len(following) == LANE_BATCH_COMMANDS_MAX


@pytest.mark.parametrize("hot_items", [2, 7, 100])
async def test_a_quiet_items_bid_is_in_the_next_batch_behind_several_hot_ones(hot_items: int) -> None:
    async with running_lane() as batches:
        batches.submit(ItemId(f"hot {n % hot_items}") for n in range(LANE_COMMANDS_MAX - 1))
        await batches.next()
        [bid] = batches.submit([quiet_item(1)])
        batches.let_go()
        following = await batches.next()
    assert bid in following
    assert len(following) == LANE_BATCH_COMMANDS_MAX


async def test_one_items_share_of_a_batch_is_bounded_by_what_the_others_need() -> None:
    async with running_lane() as batches:
        batches.submit([ItemId("under way")])
        await batches.next()
        batches.submit([*[HOT] * 1_000, *[ItemId("warm")] * 1_000])
        batches.let_go()
        batch = await batches.next()
    half = LANE_BATCH_COMMANDS_MAX // 2
    assert [command.item_id for command in batch].count(HOT) == half


async def test_where_more_items_wait_than_a_batch_has_room_for_each_gets_its_turn() -> None:
    many = LANE_BATCH_COMMANDS_MAX * 3
    async with running_lane() as batches:
        batches.submit(item_id for n in range(many) for item_id in (HOT, quiet_item(n)))
        turns = await drain(batches, 4 * LANE_BATCH_COMMANDS_MAX)
    quiet = {command.item_id for batch in turns[:5] for command in batch} - {HOT}
    assert len(quiet) == many


async def test_a_full_lane_refuses_at_once_with_a_retry_hint_and_takes_again_when_there_is_room() -> None:
    async with running_lane() as batches:
        batches.submit([HOT])
        await batches.next()
        batches.submit([HOT] * LANE_COMMANDS_MAX)
        for item_id in (HOT, quiet_item(1)):
            refused = Caller(item_id)
            batches.lane.submit(refused.command)
            assert refused.outcomes == [], "answered within `submit`"
            outcome = await refused.outcome()
            assert isinstance(outcome, Overloaded)
            assert outcome.retry_after_seconds > 0
        assert batches.lane.waiting_count == LANE_COMMANDS_MAX
        batches.let_go()
        await batches.next()
        assert batches.lane.waiting_count == LANE_COMMANDS_MAX - LANE_BATCH_COMMANDS_MAX
        batches.submit([quiet_item(1)] * LANE_BATCH_COMMANDS_MAX)


async def test_a_command_that_is_withdrawn_before_it_was_taken_is_neither_decided_nor_answered() -> None:
    async with running_lane() as batches:
        batches.submit([HOT])
        await batches.next()
        leaves = Caller(HOT)
        batches.lane.submit(leaves.command)
        stays, stays_too = batches.submit([HOT, quiet_item(1)])
        assert leaves.command.withdraw()
        assert not leaves.command.withdraw()
        batches.let_go()
        assert set(await batches.next()) == {stays, stays_too}
        assert batches.lane.waiting_count == 0
        leaves.command.answer(Unavailable())
        assert leaves.outcomes == []


async def test_a_command_that_was_taken_can_not_be_withdrawn() -> None:
    async with running_lane() as batches:
        caller = Caller(HOT)
        batches.lane.submit(caller.command)
        await batches.next()
        assert not caller.command.withdraw()
        caller.command.answer(Unavailable())
        assert len(caller.outcomes) == 1


async def test_a_command_is_answered_once() -> None:
    caller = Caller(HOT)
    for number in range(3):
        caller.command.answer(Unavailable(number))
    assert [error.args for error in caller.outcomes if isinstance(error, Exception)] == [(0,)]


async def test_a_callback_that_raises_disturbs_no_other() -> None:
    def broken(outcome: Answer | Exception) -> None:
        raise KeyError("a bug")

    command = Command(HOT, never_decided, broken, PATIENT, None)
    with capture_logs() as logs:
        command.answer(Unavailable())
    assert [entry["event"] for entry in logs] == ["command_callback_failed"]
    assert command.settled


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
async def test_commands_are_answered_at_their_deadlines_taken_or_not_whatever_their_order(
    order: tuple[int, ...],
) -> None:
    async with running_lane() as batches:
        loop = asyncio.get_running_loop()
        began = loop.time()
        patient, callers = Caller(HOT), [Caller(HOT, began + number * 0.03) for number in order]
        batches.lane.submit(callers[0].command)
        assert await batches.next() == [callers[0].command]
        for caller in (*callers[1:], patient):
            batches.lane.submit(caller.command)
        for caller in sorted(callers, key=lambda caller: caller.command.call.deadline_seconds):
            assert isinstance(await caller.outcome(), DeadlineExceeded)
            assert loop.time() >= caller.command.call.deadline_seconds
        batches.let_go()
        assert await batches.next() == [patient.command], "a command past its deadline was taken"
        assert patient.outcomes == []


async def test_a_caller_that_submits_again_when_its_deadline_passes_is_queued() -> None:
    async with running_lane() as batches:
        now = asyncio.get_running_loop().time()
        again, submitted = Caller(HOT), asyncio.Event()

        def submit_again(outcome: Answer | Exception) -> None:
            batches.lane.submit(again.command)
            submitted.set()

        batches.submit([HOT])
        await batches.next()
        batches.lane.submit(Command(HOT, never_decided, submit_again, CommandCall(now + 0.01), None))
        await asyncio.wait_for(submitted.wait(), 5)
        batches.let_go()
        assert await batches.next() == [again.command]


async def test_a_lane_that_everyone_left_decides_nothing_and_goes_on() -> None:
    async with running_lane() as batches:
        batches.submit([HOT])
        await batches.next()
        for command in batches.submit([HOT] * 300):
            assert command.withdraw()
        batches.let_go()
        [later] = batches.submit([quiet_item(1)])
        assert await batches.next() == [later]


async def test_a_lane_that_closes_takes_no_more_and_ends_when_those_that_wait_are_served() -> None:
    batches = Batches()
    waiting = batches.submit([HOT] * (LANE_BATCH_COMMANDS_MAX + 1))
    batches.lane.close()
    refused = Caller(HOT)
    batches.lane.submit(refused.command)
    assert isinstance(await refused.outcome(), Unavailable)
    batches.let_go(2)
    await asyncio.wait_for(batches.lane.run(), 5)
    assert [await batches.next(), await batches.next()] == [waiting[:LANE_BATCH_COMMANDS_MAX], waiting[-1:]]


async def test_an_abandoned_lane_hands_out_all_that_waits_once() -> None:
    batches = Batches()
    waiting = batches.submit([HOT, quiet_item(1), HOT])
    assert set(batches.lane.abandon()) == set(waiting)
    assert batches.lane.abandon() == []
    assert batches.lane.waiting_count == 0


@pytest.mark.parametrize(("before", "gathers"), [(3, True), (2, False)])
async def test_a_busy_lane_gathers_what_arrives_turn_by_turn(
    before: int, gathers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "GATHER_SECONDS_MAX", 60.0)
    async with running_lane() as batches:
        batches.submit([HOT] * before)
        await batches.next()
        arrived = batches.submit([HOT])
        batches.let_go()
        for _ in range(20):
            await asyncio.sleep(0)
            arrived += batches.submit([HOT])
        assert (await batches.next() == arrived) == gathers


async def test_gathering_is_bounded_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "GATHER_SECONDS_MAX", 0.0)
    async with running_lane() as batches:
        batches.submit([HOT] * 3)
        await batches.next()
        [first] = batches.submit([HOT])
        batches.let_go()
        for _ in range(20):
            await asyncio.sleep(0)
            batches.submit([HOT])
        assert len(await batches.next()) < 20
        assert first.taken
