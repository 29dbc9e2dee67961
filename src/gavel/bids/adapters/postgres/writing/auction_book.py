"""Auction book on Postgres: row locks order the commands, and the lane makes them fast."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from time import perf_counter
from typing import Self

import asyncpg

from gavel.bids.adapters.postgres.writing.batch import SeenState, prepare_session, prepare_side_session
from gavel.bids.adapters.postgres.writing.batch_runner import (
    BatchMetrics,
    BatchRunner,
    CommitNotifier,
    Connect,
    LaneConnection,
    LastSeenAuctions,
)
from gavel.bids.adapters.postgres.writing.item_opener import ItemOpener
from gavel.bids.adapters.postgres.writing.lane import Command, Lane
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.decision import Answer, Decide, Decision, RetryKey
from gavel.bids.domain.texts import Listing
from gavel.bids.ports.book import Answered, Call, CommitListener, Submitted, Unavailable, answer_of
from gavel.runtime.telemetry import tracing

DRAIN_SECONDS_MAX = 5.0
# Side connections of a lane, opened when they are needed: items that other processes hold wait on them, one on each.
LANE_SIDES_MAX = 2


class PostgresAuctionBook:
    """AuctionBook on bid_db: lanes, each with a connection and some for contended items, and a pool for new items."""

    def __init__(
        self, pool: asyncpg.Pool, connect: Connect, listeners: Sequence[CommitListener] = (), *, lanes: int = 1
    ) -> None:
        """While one lane waits for the database, the process serves another. An item is always in the same one."""
        notifier = CommitNotifier(listeners)
        self._last_seen = LastSeenAuctions()
        self._opener = ItemOpener(pool, notifier)
        self._metrics = BatchMetrics()
        self._connections = [LaneConnection(connect, prepare_session) for _ in range(lanes)]
        self._side_connections = [LaneConnection(connect, prepare_side_session) for _ in range(lanes * LANE_SIDES_MAX)]
        runners = [BatchRunner(each, self._last_seen, notifier, self._metrics) for each in self._connections]
        sides = [BatchRunner(each, self._last_seen, notifier, self._metrics).run for each in self._side_connections]
        self._abandon = runners[0].abandon
        self._lanes = [Lane(runner.run, sides[number::lanes]) for number, runner in enumerate(runners)]

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Self]:
        """Serve commands inside the context; on exit, answer those that wait, within DRAIN_SECONDS_MAX."""
        serving = asyncio.create_task(self._serve(), name="lanes")
        try:
            yield self
        finally:
            for lane in self._lanes:
                lane.close()
            try:
                await asyncio.wait([serving], timeout=DRAIN_SECONDS_MAX)
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)
                for lane in self._lanes:
                    self._abandon(lane.abandon())
                await asyncio.gather(
                    *(connection.close() for connection in (*self._connections, *self._side_connections))
                )
                if not serving.cancelled():
                    serving.result()

    @property
    def metrics(self) -> BatchMetrics:
        """Counts of the batches of all lanes."""
        return self._metrics

    @property
    def waiting_count(self) -> int:
        """How many commands wait in the lanes."""
        return sum(lane.waiting_count for lane in self._lanes)

    def submit(
        self, item_id: ItemId, decide: Decide, answered: Answered, *, call: Call, key: RetryKey | None = None
    ) -> Submitted:
        """See AuctionBook.submit."""
        if tracing.is_on and tracing.is_sampled(call.traceparent):
            answered = _recorded(answered, call.traceparent)
        command = Command(item_id, decide, answered, call, key)
        self._lanes[hash(item_id) % len(self._lanes)].submit(command)
        return command

    async def update(self, item_id: ItemId, decide: Decide, *, call: Call, key: RetryKey | None = None) -> Answer:
        """See AuctionBook.update."""
        return await answer_of(lambda answered: self.submit(item_id, decide, answered, call=call, key=key))

    async def open(
        self, open_at: Callable[[datetime], Decision], listing: Listing, *, call: Call, key: RetryKey | None = None
    ) -> Answer:
        """See AuctionBook.open."""
        return await self._opener.open(open_at, listing, call=call, key=key)

    def last_seen(self, item_id: ItemId) -> SeenState | None:
        """See AuctionBook.last_seen."""
        return self._last_seen.get(item_id)

    async def _serve(self) -> None:
        # Connect ahead of the first bid, so that it need not wait. If that fails, the bid tries again.
        for connection in self._connections:
            with suppress(Unavailable):
                await connection.get()
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(lane.run())


def _recorded(answered: Answered, traceparent: str) -> Answered:
    """Record the span of one command, from the lane's queue to its answer."""
    queued_seconds = perf_counter()

    def record(outcome: Answer | Exception) -> None:
        attributes = {"gavel.outcome": type(outcome).__name__ if isinstance(outcome, Exception) else "accepted"}
        tracing.record("decide", (traceparent,), queued_seconds, perf_counter(), attributes=attributes)
        answered(outcome)

    return record
