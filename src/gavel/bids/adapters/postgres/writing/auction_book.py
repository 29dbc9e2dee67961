"""Auction book on Postgres: row locks order the commands, and the lane makes them fast."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from time import perf_counter
from typing import Self

import asyncpg

from gavel.bids.adapters.postgres.writing.after_commit import CommitNotifier, LastSeenAuctions
from gavel.bids.adapters.postgres.writing.batch import prepare_session
from gavel.bids.adapters.postgres.writing.batch_runner import BatchMetrics, BatchRunner
from gavel.bids.adapters.postgres.writing.item_opener import ItemOpener
from gavel.bids.adapters.postgres.writing.lane import Command, Lane
from gavel.bids.adapters.postgres.writing.lane_connection import Connect, LaneConnection
from gavel.bids.domain.auction import Auction
from gavel.bids.domain.decision import Answer, Decide, Decision, RetryKey
from gavel.bids.domain.ids import ItemId
from gavel.bids.domain.texts import Listing
from gavel.bids.ports.book import Call, CommitListener, DeadlineExceeded, Unavailable
from gavel.runtime.telemetry import tracing

DRAIN_SECONDS_MAX = 5.0


class PostgresAuctionBook:
    """AuctionBook on bid_db: one lane with a connection of its own, and a pool for new items."""

    def __init__(self, pool: asyncpg.Pool, connect: Connect, listeners: Sequence[CommitListener] = ()) -> None:
        notifier = CommitNotifier(listeners)
        self._last_seen = LastSeenAuctions()
        self._opener = ItemOpener(pool, notifier)
        self._connection = LaneConnection(connect, prepare_session)
        self._runner = BatchRunner(self._connection, self._last_seen, notifier)
        self._lane = Lane(self._runner.run)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Self]:
        """Serve commands inside the context; on exit, answer those that wait, within DRAIN_SECONDS_MAX."""
        serving = asyncio.create_task(self._serve(), name="lane")
        try:
            yield self
        finally:
            self._lane.close()
            try:
                await asyncio.wait([serving], timeout=DRAIN_SECONDS_MAX)
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)
                self._runner.abandon(self._lane.abandon())
                await self._connection.close()
                if not serving.cancelled():
                    serving.result()

    @property
    def metrics(self) -> BatchMetrics:
        """Counts of the lane's batches."""
        return self._runner.metrics

    @property
    def waiting_count(self) -> int:
        """How many commands wait in the lane."""
        return self._lane.waiting_count

    async def update(self, item_id: ItemId, decide: Decide, *, call: Call, key: RetryKey | None = None) -> Answer:
        """See AuctionBook.update."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._lane.submit(Command(item_id, decide, call, key, answer))
        alarm = loop.call_at(call.deadline_seconds, _give_up, answer)
        queued_seconds = perf_counter() if tracing.is_sampled(call.traceparent) else 0.0
        try:
            return await answer
        finally:
            alarm.cancel()
            if queued_seconds:
                error = answer.exception() if answer.done() and not answer.cancelled() else None
                _record_decision(call, queued_seconds, error)

    async def open(
        self, open_at: Callable[[datetime], Decision], listing: Listing, *, call: Call, key: RetryKey | None = None
    ) -> Answer:
        """See AuctionBook.open."""
        return await self._opener.open(open_at, listing, call=call, key=key)

    def last_seen(self, item_id: ItemId) -> tuple[Auction, datetime] | None:
        """See AuctionBook.last_seen."""
        return self._last_seen.get(item_id)

    async def _serve(self) -> None:
        # Connect ahead of the first bid, so that it need not wait. If that fails, the bid tries again.
        with suppress(Unavailable):
            await self._connection.get()
        await self._lane.run()


def _give_up(answer: asyncio.Future[Answer]) -> None:
    if not answer.done():
        answer.set_exception(DeadlineExceeded())


def _record_decision(call: Call, queued_seconds: float, error: BaseException | None) -> None:
    """Record the span of one command, from the lane's queue to its answer."""
    outcome = "accepted" if error is None else type(error).__name__
    attributes = {"gavel.outcome": outcome}
    tracing.record("decide", (call.traceparent,), queued_seconds, perf_counter(), attributes=attributes)
