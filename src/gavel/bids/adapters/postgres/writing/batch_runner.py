"""Run the lane's batches on Postgres: one transaction each, retries, and an answer to every caller in any case.

After a commit its callers are answered, its states kept for the next batch, and its listeners notified.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import asyncpg
import structlog
from opentelemetry.trace import SpanKind
from prometheus_client.core import Metric

from gavel.bids.adapters.postgres.failures import FateUnknown, NotCommitted, blames_content, to_caller_error
from gavel.bids.adapters.postgres.writing.batch import BatchOutcome, BatchTimes, SeenState, commit_batch
from gavel.bids.adapters.postgres.writing.lane import LANE_BATCH_COMMANDS_MAX, Command
from gavel.bids.domain.auction import Auction, ItemId
from gavel.bids.ports.book import Change, CommitListener, Unavailable
from gavel.runtime.postgres.connections import (
    CONNECT_SECONDS_MAX,
    DATABASE_ERRORS,
    leaves_connection_in_doubt,
    reason_of,
)
from gavel.runtime.telemetry import tracing
from gavel.runtime.telemetry.histogram import Histogram
from gavel.runtime.telemetry.metrics import Labels, Source, counter, gauge, histogram

# A batch that failed because of its content is tried in halves for this long; callers of the rest have to retry.
APART_SECONDS_MAX = 2.0
LAST_SEEN_AUCTIONS_MAX = 10_000
# After a failed connect, commands are answered at once instead of each waiting for another try.
RECONNECT_PAUSE_SECONDS = 0.25
PARTING_SECONDS_MAX = 1.0
BATCH_COMMANDS = (1, 2, 4, 8, 16, 32, 64, 128, LANE_BATCH_COMMANDS_MAX)

Connect = Callable[[], Awaitable[asyncpg.Connection]]
Prepare = Callable[[asyncpg.Connection], Awaitable[None]]

_UNDECIDED = "the bid was not decided"
_UNKNOWN = "the bid may not have been accepted"

_log = structlog.get_logger(__name__)


class BatchMetrics:
    """Counts of the batches of a book. One observation for each batch, so that a bid costs almost nothing."""

    def __init__(self) -> None:
        self.commands = Histogram(BATCH_COMMANDS)
        self.lock = Histogram()
        self.commit = Histogram()
        self.batch = Histogram()
        self.failed = 0
        self.skipped = 0

    def observe(self, commands: int, times: BatchTimes) -> None:
        """Count a batch that was committed, or had nothing to commit."""
        self.commands.observe(commands)
        self.lock.observe(times.locked_seconds - times.begun_seconds)
        self.commit.observe(times.committed_seconds - times.written_seconds)
        self.batch.observe(times.committed_seconds - times.begun_seconds)


class LaneConnection:
    """At most one open connection; `get` opens it again after `discard`."""

    def __init__(self, connect: Connect, prepare: Prepare) -> None:
        self._connect = connect
        self._prepare = prepare
        self._connection: asyncpg.Connection | None = None
        self._retry_at_seconds = 0.0

    async def get(self) -> asyncpg.Connection:
        """The open connection. Raises Unavailable if the database can't be reached."""
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        self.discard()
        loop = asyncio.get_running_loop()
        if loop.time() < self._retry_at_seconds:
            raise Unavailable("the database can't be reached")
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                self._connection = await self._open()
        except DATABASE_ERRORS as error:
            self._retry_at_seconds = loop.time() + RECONNECT_PAUSE_SECONDS
            _log.warning("lane_connect_failed", error=reason_of(error))
            raise Unavailable("the database can't be reached") from error
        return self._connection

    async def _open(self) -> asyncpg.Connection:
        connection = await self._connect()
        try:
            await self._prepare(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def roll_back(self) -> None:
        """End the transaction that failed, and keep the connection if it answers."""
        if self._connection is not None:
            try:
                await self._connection.execute("ROLLBACK", timeout=PARTING_SECONDS_MAX)
            except DATABASE_ERRORS:
                self.discard()

    def discard(self) -> None:
        """Drop the connection without notice to the server, which rolls back what was open."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def close(self) -> None:
        """Close the connection in good order, or else drop it."""
        if self._connection is not None and not self._connection.is_closed():
            try:
                await self._connection.close(timeout=PARTING_SECONDS_MAX)
            except DATABASE_ERRORS:
                self.discard()
        self._connection = None


class LastSeenAuctions:
    """Cache of the last states that this process committed of LAST_SEEN_AUCTIONS_MAX auctions; the oldest go first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[ItemId, SeenState] = OrderedDict()

    def remember(self, auctions: Mapping[ItemId, Auction], digests: Mapping[ItemId, bytes], at: datetime) -> None:
        """Keep the states that a transaction committed, with its reading of the database's clock."""
        now_seconds = asyncio.get_running_loop().time()
        for item_id, auction in auctions.items():
            self._seen[item_id] = SeenState(auction, digests.get(item_id), at, now_seconds)
            self._seen.move_to_end(item_id)
        while len(self._seen) > LAST_SEEN_AUCTIONS_MAX:
            self._seen.popitem(last=False)

    def get(self, item_id: ItemId) -> SeenState | None:
        """The state; None if it is not kept."""
        return self._seen.get(item_id)


class CommitNotifier:
    """Notifier of CommitListeners after a commit. A listener's error is logged, and never reaches a caller."""

    def __init__(self, listeners: Sequence[CommitListener]) -> None:
        self._listeners = listeners

    @property
    def has_listeners(self) -> bool:
        """Whether there are listeners to make changes for."""
        return bool(self._listeners)

    def notify(self, changes: Sequence[Change]) -> None:
        """Hand the changes of one commit to every listener."""
        for listener in self._listeners:
            try:
                listener.committed(changes)
            except Exception:  # noqa: BLE001 - logged; a listener's error must not become a caller's
                _log.exception("commit_listener_failed", listener=type(listener).__name__)


class BatchRunner:
    """Runner of batches on one connection of a lane."""

    def __init__(
        self, connection: LaneConnection, last_seen: LastSeenAuctions, notifier: CommitNotifier, metrics: BatchMetrics
    ) -> None:
        self._connection = connection
        self._last_seen = last_seen
        self._notifier = notifier
        self._metrics = metrics

    async def run(self, commands: Sequence[Command], until_seconds: float | None = None) -> Sequence[Command]:
        """Decide the commands in one transaction and answer every caller. Raises nothing but CancelledError.

        Returns the commands that were not decided, because another transaction holds their items; they are not
        answered. `until_seconds` is when to stop trying halves of a batch, on the event loop's clock.
        """
        try:
            return await self._decide(commands, until_seconds)
        except asyncio.CancelledError:
            self.fail(commands, FateUnknown())
            raise
        except Exception as error:  # noqa: BLE001 - the lane must outlive any batch; every caller gets the error
            self.fail(commands, error)
            return ()

    def fail(self, commands: Sequence[Command], error: Exception) -> None:
        """Answer every caller with the error. Infrastructure errors become Unavailable; bugs stay bugs."""
        if commands:
            cause = type(error.__cause__ or error).__name__
            _log.warning("batch_failed", commands=len(commands), failure=type(error).__name__, error=cause)
        if isinstance(error, FateUnknown):
            error = Unavailable(_UNKNOWN)
        elif isinstance(error, NotCommitted):
            error = to_caller_error(error.__cause__ or error, _UNDECIDED)
        for command in commands:
            command.answer(error)

    def abandon(self, commands: Sequence[Command]) -> None:
        """Answer the callers of commands that will not be run."""
        self.fail(commands, Unavailable(_UNDECIDED))

    async def _decide(self, commands: Sequence[Command], until_seconds: float | None) -> Sequence[Command]:
        try:
            outcome = await self._commit(commands)
        except NotCommitted as failure:
            if len(commands) == 1 or not blames_content(failure.__cause__):
                raise
            _log.warning("batch_bisected", commands=len(commands), error=type(failure.__cause__).__name__)
            return await self._run_halves(commands, until_seconds)
        self._metrics.observe(len(commands) - len(outcome.skipped), outcome.times)
        self._metrics.skipped += len(outcome.skipped)
        self._answer(outcome)
        _record_commit(commands, outcome.times)
        return outcome.skipped

    async def _commit(self, commands: Sequence[Command]) -> BatchOutcome:
        """Commit one transaction; retry once if it failed by chance, because then nothing of it happened."""
        try:
            return await self._try(commands)
        except NotCommitted as failure:
            if not failure.worth_another_try:
                raise
            _log.info("batch_retried", commands=len(commands), error=type(failure.__cause__).__name__)
            return await self._try(commands)

    async def _try(self, commands: Sequence[Command]) -> BatchOutcome:
        connection = await self._connection.get()
        try:
            return await commit_batch(connection, commands, self._last_seen.get)
        except NotCommitted as failure:
            self._metrics.failed += 1
            if leaves_connection_in_doubt(failure.__cause__):
                self._connection.discard()
            else:
                await self._connection.roll_back()
            raise
        except BaseException:
            # The outcome of COMMIT is unknown, or the lane was cancelled in the middle.
            self._metrics.failed += 1
            self._connection.discard()
            raise

    async def _run_halves(self, commands: Sequence[Command], until_seconds: float | None) -> Sequence[Command]:
        """Run the halves of a batch that can't be stored, and their halves, so that a poisonous command fails alone.

        Halves run in order: later commands are decided on what earlier ones left. One poisonous command of 256 costs 16
        transactions; to try each command alone would cost 256.
        """
        loop = asyncio.get_running_loop()
        if until_seconds is None:
            until_seconds = loop.time() + APART_SECONDS_MAX
        middle = len(commands) // 2
        skipped: list[Command] = []
        for half in (commands[:middle], commands[middle:]):
            # A command stays behind those of its item, if they were skipped.
            held = {command.item_id for command in skipped}
            skipped += [command for command in half if command.item_id in held]
            rest = [command for command in half if command.item_id not in held]
            if loop.time() > until_seconds:
                self.abandon(rest)
            elif rest:
                skipped += await self.run(rest, until_seconds)
        return skipped

    def _answer(self, outcome: BatchOutcome) -> None:
        """Answer the callers of a committed batch, then notify the listeners, before any other task runs.

        A caller that has left misses its answer, not its bid.
        """
        self._last_seen.remember(outcome.auctions, outcome.rows.digests, outcome.at)
        for command, answer in outcome.answers:
            command.answer(answer)
        for command, refusal in outcome.refusals:
            command.answer(refusal)
        if self._notifier.has_listeners and outcome.rows.auctions:
            self._notifier.notify(outcome.rows.committed())


def _record_commit(commands: Sequence[Command], times: BatchTimes) -> None:
    """Record the span of a transaction, under the first sampled command in it and with links to the others."""
    if not tracing.is_on:
        return
    milliseconds = 1000
    tracing.record(
        "commit batch",
        [command.call.traceparent for command in commands],
        times.begun_seconds,
        times.committed_seconds,
        kind=SpanKind.CLIENT,
        attributes={
            "db.system.name": "postgresql",
            "gavel.batch.commands": len(commands),
            "gavel.batch.lock_ms": (times.locked_seconds - times.begun_seconds) * milliseconds,
            "gavel.batch.commit_ms": (times.committed_seconds - times.written_seconds) * milliseconds,
        },
    )


def lane_source(name: str, metrics: BatchMetrics, waiting_count: Callable[[], int]) -> Source:
    """Metrics of the lanes of a book and their batches, under one name."""
    labels, lane = ("lane",), (name,)

    def seconds(metric: str, meaning: str, counted: Histogram) -> Metric:
        by_lane: dict[Labels, Histogram] = {lane: counted}
        return histogram(metric, meaning, labels, by_lane)

    async def read() -> Sequence[Metric]:
        return [
            gauge(
                "gavel_lane_commands_waiting", "Commands that wait in the lanes now.", labels, {lane: waiting_count()}
            ),
            histogram("gavel_lane_batch_commands", "Commands in a batch.", labels, {lane: metrics.commands}),
            seconds("gavel_lane_lock_seconds", "From BEGIN until the auctions are locked and read.", metrics.lock),
            seconds("gavel_lane_commit_seconds", "From COMMIT to its answer.", metrics.commit),
            seconds("gavel_lane_batch_seconds", "A batch's transaction as a whole.", metrics.batch),
            counter(
                "gavel_lane_batches_failed_total",
                "Batches that were rolled back, or whose COMMIT has an unknown fate, before they were tried in parts.",
                labels,
                {lane: metrics.failed},
            ),
            counter(
                "gavel_lane_commands_skipped_total",
                "Commands that left a batch to wait apart, because another process had locked their item.",
                labels,
                {lane: metrics.skipped},
            ),
        ]

    return read
