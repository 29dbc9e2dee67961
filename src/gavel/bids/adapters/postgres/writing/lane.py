"""Lane: a queue of commands that are taken in batches (flat combining).

A row lock is held through the flush of the WAL, so with one transaction a bid, a hot item waits for one flush a bid.
The lane takes all that wait when it is free, and a whole batch shares one flush. An idle lane takes a bid at once. A
busy one gathers first: its clients bid again one after another when they are answered, and a batch that began with the
first of them would leave the rest to wait for its flush.

A batch waits for no lock. Items that another transaction holds are set apart: their commands, later ones too, queue
behind each other and are decided one item a transaction on side connections, which wait for the lock.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from math import inf

import structlog

from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.decision import Answer, Decide, RetryKey
from gavel.bids.ports.book import Answered, Call, DeadlineExceeded, Overloaded, Unavailable

LANE_COMMANDS_MAX = 10_000
LANE_BATCH_COMMANDS_MAX = 256
OVERLOADED_RETRY_AFTER_SECONDS = 1.0

# The lane gathers if the last batch was larger than this: fewer clients than that gain nothing.
GATHER_ABOVE_COMMANDS = 2
# Gathering ends when nothing has arrived in so many turns of the event loop, or after this time.
GATHER_STALLED_TURNS = 3
GATHER_SECONDS_MAX = 0.002
# Between two walks over the pending commands, of which there may be thousands.
DEADLINE_PAUSE_SECONDS = 0.01

_log = structlog.get_logger(__name__)


class Command:
    """One caller's decision on one auction, from its submission to its outcome.

    It is settled once it was answered or withdrawn: then nothing waits for it.
    """

    __slots__ = ("_answered", "call", "decide", "item_id", "key", "taken")

    def __init__(self, item_id: ItemId, decide: Decide, answered: Answered, call: Call, key: RetryKey | None) -> None:
        self.item_id = item_id
        self.decide = decide
        self.call = call
        self.key = key
        # Set by the lane while the command is in a batch.
        self.taken = False
        self._answered: Answered | None = answered

    @property
    def settled(self) -> bool:
        """Whether it was answered or withdrawn."""
        return self._answered is None

    def withdraw(self) -> bool:
        """See Submitted.withdraw."""
        if self.taken or self._answered is None:
            return False
        self._answered = None
        return True

    def answer(self, outcome: Answer | Exception) -> None:
        """Call back with the outcome, unless the command is settled. An error of the callback is logged."""
        answered, self._answered = self._answered, None
        if answered is None:
            return
        try:
            answered(outcome)
        except Exception:  # noqa: BLE001 - one caller's bug must not become the error of the others in its batch
            _log.exception("command_callback_failed")


class DeadlineClock:
    """Timer for the earliest deadline. When it is due, it walks over the pending commands and is set for the next.

    So a command costs one comparison. It is answered with DeadlineExceeded up to DEADLINE_PAUSE_SECONDS late.
    """

    def __init__(self, pending: Callable[[], Iterable[Command]]) -> None:
        self._pending = pending
        self._timer: asyncio.TimerHandle | None = None
        self._due_seconds = inf
        self._not_before_seconds = 0.0

    def watch(self, command: Command) -> None:
        """Have the command answered at its deadline, if it is pending then."""
        if command.call.deadline_seconds < self._due_seconds:
            self._set(command.call.deadline_seconds)

    def stop(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._due_seconds = None, inf

    def _set(self, due_seconds: float) -> None:
        self.stop()
        self._due_seconds = due_seconds
        at_seconds = max(due_seconds, self._not_before_seconds)
        self._timer = asyncio.get_running_loop().call_at(at_seconds, self._expire)

    def _expire(self) -> None:
        now_seconds = asyncio.get_running_loop().time()
        self._not_before_seconds = now_seconds + DEADLINE_PAUSE_SECONDS
        self.stop()
        expired: list[Command] = []
        next_seconds = inf
        for command in self._pending():
            deadline_seconds = command.call.deadline_seconds
            if command.settled:
                continue
            if deadline_seconds <= now_seconds:
                expired.append(command)
            elif deadline_seconds < next_seconds:
                next_seconds = deadline_seconds
        if next_seconds < inf:
            self._set(next_seconds)
        # After the walk: a callback may submit another command.
        for command in expired:
            command.answer(DeadlineExceeded())


# Decides a batch and answers its callers, errors included; returns the commands whose items were locked by others.
RunBatch = Callable[[list[Command]], Awaitable[Sequence[Command]]]


class Lane:
    """Bounded queues, one for each item, served in turn by one runner; items set apart by the side runners."""

    def __init__(self, run_batch: RunBatch, run_apart: Sequence[RunBatch] = ()) -> None:
        self._run_batch = run_batch
        self._run_apart = run_apart
        # In order of turn: an item that was served and still waits goes to the end.
        self._queues: OrderedDict[ItemId, deque[Command]] = OrderedDict()
        # Items set apart. Each is in `_apart_turns` or in the hands of a side runner.
        self._apart: dict[ItemId, deque[Command]] = {}
        self._apart_turns: asyncio.Queue[ItemId] = asyncio.Queue()
        self._waiting_count = 0
        self._arrived_count = 0
        self._under_way: list[list[Command]] = []
        self._deadlines = DeadlineClock(self._pending)
        self._work = asyncio.Event()
        self._closing = False

    @property
    def waiting_count(self) -> int:
        """How many commands wait to be taken."""
        return self._waiting_count

    @property
    def apart_count(self) -> int:
        """How many items are set apart."""
        return len(self._apart)

    def submit(self, command: Command) -> None:
        """Queue a command behind the others of its item.

        A full lane answers it with Overloaded, a closed one with Unavailable, in the next turn of the event loop.
        """
        if self._closing:
            self._refuse(command, Unavailable("the server is stopping"))
            return
        if self._waiting_count >= LANE_COMMANDS_MAX:
            self._refuse(command, Overloaded(OVERLOADED_RETRY_AFTER_SECONDS))
            return
        item_id = command.item_id
        queue = self._apart.get(item_id) if self._apart else None
        if queue is None and (queue := self._queues.get(item_id)) is None:
            queue = self._queues[item_id] = deque()
        queue.append(command)
        self._waiting_count += 1
        self._arrived_count += 1
        self._deadlines.watch(command)
        self._work.set()

    async def run(self) -> None:
        """Serve batches until the lane is closed and empty."""
        async with asyncio.TaskGroup() as group:
            sides = [group.create_task(self._serve_apart(run_batch)) for run_batch in self._run_apart]
            await self._serve()
            for side in sides:
                side.cancel()

    def close(self) -> None:
        """Take no more commands; `run` returns when those that wait have been answered."""
        self._closing = True
        self._work.set()

    def abandon(self) -> list[Command]:
        """Remove and return all waiting commands, for the caller to answer."""
        waiting: list[Command] = []
        for queue in (*self._queues.values(), *self._apart.values()):
            waiting.extend(queue)
            queue.clear()
        self._waiting_count = 0
        self._deadlines.stop()
        return waiting

    @staticmethod
    def _refuse(command: Command, error: Exception) -> None:
        asyncio.get_running_loop().call_soon(command.answer, error)

    def _pending(self) -> Generator[Command]:
        for commands in (*self._under_way, *self._queues.values(), *self._apart.values()):
            yield from commands

    async def _serve(self) -> None:
        last_commands = 0
        while True:
            await self._work.wait()
            if last_commands > GATHER_ABOVE_COMMANDS:
                await self._gather()
            batch = self._take_batch()
            last_commands = len(batch)
            if batch:
                self._set_apart(await self._run(self._run_batch, batch))
            if not self._queues:
                if self._closing and not self._apart:
                    return
                self._work.clear()

    async def _gather(self) -> None:
        """Return when arrivals have stalled."""
        loop = asyncio.get_running_loop()
        until_seconds = loop.time() + GATHER_SECONDS_MAX
        arrived, stalled_turns = self._arrived_count, 0
        while stalled_turns < GATHER_STALLED_TURNS and loop.time() < until_seconds:
            await asyncio.sleep(0)
            stalled_turns = stalled_turns + 1 if self._arrived_count == arrived else 0
            arrived = self._arrived_count

    async def _serve_apart(self, run_batch: RunBatch) -> None:
        """Decide the commands of items set apart, one item a transaction, in turn."""
        while True:
            item_id = await self._apart_turns.get()
            queue = self._apart[item_id]
            taken = [queue.popleft() for _ in range(min(len(queue), LANE_BATCH_COMMANDS_MAX))]
            if batch := self._taken(taken):
                skipped = await self._run(run_batch, batch)
                for command in reversed(skipped):
                    command.taken = False
                    queue.appendleft(command)
                self._waiting_count += len(skipped)
            if queue:
                self._apart_turns.put_nowait(item_id)
                continue
            # From here on its commands are in the batches of the others again.
            del self._apart[item_id]
            self._work.set()

    async def _run(self, run_batch: RunBatch, batch: list[Command]) -> Sequence[Command]:
        self._under_way.append(batch)
        try:
            return await run_batch(batch)
        finally:
            self._under_way.remove(batch)

    def _set_apart(self, commands: Sequence[Command]) -> None:
        """Queue commands whose items were locked, and those that came after them, for the side runners."""
        self._waiting_count += len(commands)
        for command in commands:
            command.taken = False
            queue = self._apart.get(command.item_id)
            if queue is None:
                queue = self._apart[command.item_id] = deque()
                self._apart_turns.put_nowait(command.item_id)
            queue.append(command)
        for item_id in {command.item_id for command in commands}:
            self._apart[item_id].extend(self._queues.pop(item_id, ()))

    def _take_batch(self) -> list[Command]:
        """Take commands in order of arrival for each item; first a fair share of each, then what room is left.

        So a quiet item's bid is in the next batch, however many commands wait for a hot item. If more items wait than a
        batch has room for, each gets its turn.
        """
        batch: list[Command] = []
        self._take_turns(batch, max(1, LANE_BATCH_COMMANDS_MAX // max(1, len(self._queues))))
        self._take_turns(batch, LANE_BATCH_COMMANDS_MAX)
        return self._taken(batch)

    def _taken(self, commands: list[Command]) -> list[Command]:
        """Mark commands as taken; without those that were withdrawn or have expired."""
        self._waiting_count -= len(commands)
        batch = [command for command in commands if not command.settled]
        for command in batch:
            command.taken = True
        return batch

    def _take_turns(self, batch: list[Command], share: int) -> None:
        for _ in range(len(self._queues)):
            room = LANE_BATCH_COMMANDS_MAX - len(batch)
            if not room:
                return
            item_id, queue = self._queues.popitem(last=False)
            taken = min(room, share, len(queue))
            if taken == len(queue):
                batch.extend(queue)
            else:
                batch.extend(queue.popleft() for _ in range(taken))
                self._queues[item_id] = queue
