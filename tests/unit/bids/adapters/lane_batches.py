"""A lane without a database: what it takes, batch by batch, and when a batch ends, is the test's affair."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from gavel.bids.adapters.postgres.writing.lane import LANE_COMMANDS_MAX, Command, Lane
from gavel.bids.domain.auction import Auction, ItemId
from gavel.bids.domain.decision import Answer, Decision
from gavel.bids.ports.book import CommandCall

HOT = ItemId("hot")
SIDES = 2
PATIENT = CommandCall(deadline_seconds=float("inf"))


def never_decided(auction: Auction, at: datetime) -> Decision:
    raise AssertionError("the lane itself decides nothing")


class Caller:
    """A submitted command, and the outcomes that it was answered with."""

    def __init__(self, item_id: ItemId, deadline_seconds: float | None = None) -> None:
        call = PATIENT if deadline_seconds is None else CommandCall(deadline_seconds)
        self.outcomes: list[Answer | Exception] = []
        self.is_answered = asyncio.Event()
        self.command = Command(item_id, never_decided, self._answered, call, None)

    def _answered(self, outcome: Answer | Exception) -> None:
        self.outcomes.append(outcome)
        self.is_answered.set()

    async def outcome(self) -> Answer | Exception:
        """The one outcome, once it is there."""
        await asyncio.wait_for(self.is_answered.wait(), 5)
        [outcome] = self.outcomes
        return outcome


def command_on(item_id: ItemId) -> Command:
    return Caller(item_id).command


class Batches:
    """What the lane took, batch by batch; each is under way until it is let go."""

    def __init__(self) -> None:
        self._taken: asyncio.Queue[list[Command]] = asyncio.Queue()
        self._let_go = asyncio.Semaphore(0)
        self._taken_apart: asyncio.Queue[list[Command]] = asyncio.Queue()
        self._let_go_apart = asyncio.Semaphore(0)
        # Items that another process has locked.
        self.held: set[ItemId] = set()
        self.lane = Lane(self._run, [self._run_apart] * SIDES)

    async def _run(self, batch: list[Command]) -> Sequence[Command]:
        self._taken.put_nowait(batch)
        await self._let_go.acquire()
        return [command for command in batch if command.item_id in self.held]

    async def _run_apart(self, batch: list[Command]) -> Sequence[Command]:
        self._taken_apart.put_nowait(batch)
        await self._let_go_apart.acquire()
        return ()

    def submit(self, item_ids: Iterable[ItemId]) -> list[Command]:
        """Queue a command for each of the items."""
        commands = [command_on(item_id) for item_id in item_ids]
        for command in commands:
            self.lane.submit(command)
        return commands

    async def next(self) -> list[Command]:
        """The next batch that is taken."""
        return await asyncio.wait_for(self._taken.get(), 5)

    async def next_apart(self) -> list[Command]:
        """The next batch of an item that was set apart."""
        return await asyncio.wait_for(self._taken_apart.get(), 5)

    def let_go_apart(self, count: int = 1) -> None:
        """Let that many batches of items set apart come to their end."""
        for _ in range(count):
            self._let_go_apart.release()

    def let_go(self, count: int = 1) -> None:
        """Let that many batches come to their end."""
        for _ in range(count):
            self._let_go.release()


@asynccontextmanager
async def running_lane() -> AsyncGenerator[Batches]:
    batches = Batches()
    runner = asyncio.create_task(batches.lane.run())
    try:
        yield batches
    finally:
        batches.let_go(LANE_COMMANDS_MAX)
        batches.let_go_apart(LANE_COMMANDS_MAX)
        batches.lane.close()
        await asyncio.wait_for(runner, 5)


async def until_holds(holds: Callable[[], bool]) -> None:
    """Let the loop turn until the condition holds."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - the lane has no signal for its counts
            await asyncio.sleep(0)


async def drain(batches: Batches, count: int) -> list[list[Command]]:
    """Take batches until so many commands have come."""
    taken: list[list[Command]] = []
    while sum(len(batch) for batch in taken) < count:
        taken.append(await batches.next())
        batches.let_go()
    return taken


def quiet_item(number: int) -> ItemId:
    return ItemId(f"quiet {number}")
