"""Lane: a queue of commands that are taken in batches (flat combining).

A row lock is held through the flush of the WAL, so with one transaction a bid, a hot item waits for one flush a bid.
The lane takes all that wait when it is free, and a whole batch shares one flush. There is no timer: an idle system
decides a bid at once, and a busy one fills its batches.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Generator, Sequence

from gavel.bids.adapters.postgres.writing.command import Command
from gavel.bids.adapters.postgres.writing.deadlines import DeadlineClock
from gavel.bids.domain.ids import ItemId
from gavel.bids.ports.book import Overloaded, Unavailable

LANE_COMMANDS_MAX = 10_000
LANE_BATCH_COMMANDS_MAX = 256
OVERLOADED_RETRY_AFTER_SECONDS = 1.0


class Lane:
    """Bounded queues, one for each item, served in turn by one runner."""

    def __init__(self, run_batch: Callable[[list[Command]], Awaitable[None]]) -> None:
        self._run_batch = run_batch
        # In order of turn: an item that was served and still waits goes to the end.
        self._queues: OrderedDict[ItemId, deque[Command]] = OrderedDict()
        self._waiting_count = 0
        self._under_way: Sequence[Command] = ()
        self._deadlines = DeadlineClock(self._pending)
        self._work = asyncio.Event()
        self._closing = False

    @property
    def waiting_count(self) -> int:
        """How many commands wait to be taken."""
        return self._waiting_count

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
        queue = self._queues.get(command.item_id)
        if queue is None:
            self._queues[command.item_id] = deque((command,))
        else:
            queue.append(command)
        self._waiting_count += 1
        self._deadlines.watch(command)
        self._work.set()

    async def run(self) -> None:
        """Serve batches until the lane is closed and empty. A batch answers its own callers, errors included."""
        while True:
            await self._work.wait()
            if batch := self._take_batch():
                self._under_way = batch
                await self._run_batch(batch)
                self._under_way = ()
            if not self._queues:
                if self._closing:
                    return
                self._work.clear()

    def close(self) -> None:
        """Take no more commands; `run` returns when those that wait have been answered."""
        self._closing = True
        self._work.set()

    def abandon(self) -> list[Command]:
        """Remove and return all waiting commands, for the caller to answer."""
        waiting = [command for queue in self._queues.values() for command in queue]
        self._queues.clear()
        self._waiting_count = 0
        self._deadlines.stop()
        return waiting

    @staticmethod
    def _refuse(command: Command, error: Exception) -> None:
        asyncio.get_running_loop().call_soon(command.answer, error)

    def _pending(self) -> Generator[Command]:
        yield from self._under_way
        for queue in self._queues.values():
            yield from queue

    def _take_batch(self) -> list[Command]:
        """Take commands in order of arrival for each item; first a fair share of each, then what room is left.

        So a quiet item's bid is in the next batch, however many commands wait for a hot item. If more items wait than a
        batch has room for, each gets its turn.
        """
        batch: list[Command] = []
        self._take_turns(batch, max(1, LANE_BATCH_COMMANDS_MAX // max(1, len(self._queues))))
        self._take_turns(batch, LANE_BATCH_COMMANDS_MAX)
        self._waiting_count -= len(batch)
        # Without those that were withdrawn or have expired.
        batch = [command for command in batch if not command.settled]
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
