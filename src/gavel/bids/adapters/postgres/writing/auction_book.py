"""The auction book on Postgres: the row lock is the arbiter, the lane makes it fast."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from time import perf_counter
from typing import Self

import asyncpg
import structlog

from gavel.bids.adapters.postgres.connections import borrowed
from gavel.bids.adapters.postgres.failures import (
    FateUnknown,
    NotCommitted,
    blames_content,
    to_caller_error,
)
from gavel.bids.adapters.postgres.outbox.event_codec import RecordedEvent, outbox_messages
from gavel.bids.adapters.postgres.writing.audit_chain import chained, row_text, terms_digest
from gavel.bids.adapters.postgres.writing.batch import BatchOutcome, commit_batch, prepare_session
from gavel.bids.adapters.postgres.writing.lane import Command, Lane
from gavel.bids.adapters.postgres.writing.lane_connection import Connect, LaneConnection
from gavel.bids.adapters.postgres.writing.metrics import LaneMetrics
from gavel.bids.adapters.postgres.writing.rows import auction_of
from gavel.bids.adapters.postgres.writing.spans import record_commit, record_decision
from gavel.bids.domain.auction import Auction
from gavel.bids.domain.decision import Answer, Decide, Decision, RetryKey
from gavel.bids.domain.ids import ItemId
from gavel.bids.domain.refusals import KeyReused
from gavel.bids.domain.texts import Listing
from gavel.bids.ports.book import Call, Change, CommitListener, DeadlineExceeded, Unavailable
from gavel.runtime.postgres.connections import leaves_connection_in_doubt, load_sql
from gavel.runtime.telemetry.tracing import is_sampled

_READ_OPENED = load_sql(__package__, "read_opened")
_OPEN_AUCTION = load_sql(__package__, "open_auction")

# A batch that failed because of what is in it is tried in parts for this long; the rest is told to retry.
APART_SECONDS_MAX = 2.0
LAST_SEEN_AUCTIONS_MAX = 10_000
DRAIN_SECONDS_MAX = 5.0

_UNDECIDED = "the bid was not decided"
_UNKNOWN = "the bid may not have been accepted"

_log = structlog.get_logger(__name__)


class PostgresAuctionBook:
    """AuctionBook on bid_db: one lane with a connection of its own, and a pool for new items."""

    def __init__(self, pool: asyncpg.Pool, connect: Connect, listeners: Sequence[CommitListener] = ()) -> None:
        self._pool = pool
        self._listeners = listeners
        self._connection = LaneConnection(connect, prepare_session)
        self._lane = Lane(self._run_batch)
        self.metrics = LaneMetrics()
        self._last_seen: OrderedDict[ItemId, tuple[Auction, datetime, float]] = OrderedDict()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Self]:
        """Serve commands inside the context; on the way out, answer those that wait, within DRAIN_SECONDS_MAX."""
        runner = asyncio.create_task(self._serve(), name="lane")
        try:
            yield self
        finally:
            self._lane.close()
            try:
                await asyncio.wait([runner], timeout=DRAIN_SECONDS_MAX)
            finally:
                runner.cancel()
                await asyncio.gather(runner, return_exceptions=True)
                self._fail(self._lane.abandon(), Unavailable(_UNDECIDED))
                await self._connection.close()
                if not runner.cancelled():
                    runner.result()

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
        queued_seconds = perf_counter() if is_sampled(call.traceparent) else 0.0
        try:
            return await answer
        finally:
            alarm.cancel()
            if queued_seconds:
                error = answer.exception() if answer.done() and not answer.cancelled() else None
                record_decision(call, queued_seconds, perf_counter(), error)

    async def open(
        self, open_at: Callable[[datetime], Decision], listing: Listing, *, call: Call, key: RetryKey | None = None
    ) -> Answer:
        """See AuctionBook.open. The clock is read first, since no lock can be waited for in between."""
        try:
            async with asyncio.timeout_at(call.deadline_seconds):
                async with borrowed(self._pool, "the item may not have been listed") as connection:
                    opened = await _open(connection, open_at, listing, call, key)
        except TimeoutError as error:
            raise DeadlineExceeded from error
        if isinstance(opened, Answer):
            return opened
        if self._listeners:
            self._tell_listeners([Change(opened.auction, 0, opened.events, texts_changed=True)])
        return Answer(opened.auction, opened.at, bid=None)

    def last_seen(self, item_id: ItemId) -> tuple[Auction, datetime] | None:
        """See AuctionBook.last_seen. The clock is the database's at the commit, moved on by the monotonic clock."""
        seen = self._last_seen.get(item_id)
        if seen is None:
            return None
        auction, at, seen_seconds = seen
        return auction, at + timedelta(seconds=asyncio.get_running_loop().time() - seen_seconds)

    async def _serve(self) -> None:
        # Ahead of the first bid, so that it need not wait for a connection; where there is none yet, the bid will see.
        with suppress(Unavailable):
            await self._connection.get()
        await self._lane.run()

    async def _run_batch(self, commands: Sequence[Command], apart_until_seconds: float | None = None) -> None:
        """Decide a batch and answer every caller in it, whatever happens."""
        try:
            await self._decide(commands, apart_until_seconds)
        except asyncio.CancelledError:
            self._fail(commands, FateUnknown())
            raise
        except Exception as error:  # noqa: BLE001 - the lane must outlive any batch; every caller is told
            self._fail(commands, error)

    async def _decide(self, commands: Sequence[Command], apart_until_seconds: float | None) -> None:
        try:
            outcome = await self._commit(commands)
            self.metrics.observe(len(commands), outcome.times)
            self._tell(outcome)
            record_commit(commands, outcome.times)
        except NotCommitted as failure:
            if len(commands) == 1 or not blames_content(failure.__cause__):
                raise
            await self._run_apart(commands, failure, apart_until_seconds)

    async def _commit(self, commands: Sequence[Command]) -> BatchOutcome:
        """One transaction, tried once more where it failed by chance: nothing of it happened then."""
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
            return await commit_batch(connection, commands)
        except NotCommitted as failure:
            self.metrics.failed += 1
            if leaves_connection_in_doubt(failure.__cause__):
                self._connection.discard()
            else:
                await self._connection.roll_back()
            raise
        except BaseException:
            # COMMIT of unknown fate, or the lane was cancelled in the middle.
            self.metrics.failed += 1
            self._connection.discard()
            raise

    async def _run_apart(self, commands: Sequence[Command], failure: NotCommitted, until_seconds: float | None) -> None:
        """Something in the batch can't be stored: try its halves, and theirs, so that a poisonous command fails alone.

        In order, since the later ones are decided on what the earlier ones left. One poisonous command of 256 costs
        16 transactions, where trying each alone would cost 256.
        """
        _log.warning("batch_bisected", commands=len(commands), error=type(failure.__cause__).__name__)
        loop = asyncio.get_running_loop()
        if until_seconds is None:
            until_seconds = loop.time() + APART_SECONDS_MAX
        middle = len(commands) // 2
        for half in (commands[:middle], commands[middle:]):
            if loop.time() > until_seconds:
                self._fail(half, Unavailable(_UNDECIDED))
            else:
                await self._run_batch(half, until_seconds)

    def _tell(self, outcome: BatchOutcome) -> None:
        """Answer the callers of a committed batch; one that went away misses its answer, not its bid."""
        now_seconds = asyncio.get_running_loop().time()
        for item_id, auction in outcome.auctions.items():
            self._last_seen[item_id] = (auction, outcome.at, now_seconds)
            self._last_seen.move_to_end(item_id)
        while len(self._last_seen) > LAST_SEEN_AUCTIONS_MAX:
            self._last_seen.popitem(last=False)
        if self._listeners and outcome.rows.auctions:
            self._tell_listeners(outcome.rows.committed())
        for command, answer in outcome.answers:
            if not command.answer.done():
                command.answer.set_result(answer)
        for command, refusal in outcome.refusals:
            if not command.answer.done():
                command.answer.set_exception(refusal)

    def _tell_listeners(self, changes: Sequence[Change]) -> None:
        for listener in self._listeners:
            try:
                listener.committed(changes)
            except Exception:  # noqa: BLE001 - logged; what listeners make of a commit is never a caller's loss
                _log.exception("commit_listener_failed", listener=type(listener).__name__)

    def _fail(self, commands: Sequence[Command], error: Exception) -> None:
        """Tell every caller of a failed batch. Infrastructure errors become Unavailable; a bug stays what it is."""
        if commands:
            cause = type(error.__cause__ or error).__name__
            _log.warning("batch_failed", commands=len(commands), failure=type(error).__name__, error=cause)
        if isinstance(error, FateUnknown):
            error = Unavailable(_UNKNOWN)
        elif isinstance(error, NotCommitted):
            error = to_caller_error(error.__cause__ or error, _UNDECIDED)
        for command in commands:
            if not command.answer.done():
                command.answer.set_exception(error)


def _give_up(answer: asyncio.Future[Answer]) -> None:
    if not answer.done():
        answer.set_exception(DeadlineExceeded())


async def _open(
    connection: asyncpg.Connection,
    open_at: Callable[[datetime], Decision],
    listing: Listing,
    call: Call,
    key: RetryKey | None,
) -> Decision | Answer:
    """Store a new auction; the answer instead where its key stands for one that is there. Raises KeyReused."""
    at, opened = await _read_opened(connection, key)
    if opened is not None:
        return opened
    decision = open_at(at)
    try:
        await connection.execute(_OPEN_AUCTION, *_opening(decision, listing, call.traceparent, key))
    except asyncpg.UniqueViolationError:
        # Another call with the key came first. Postgres has waited for its commit, so its auction is there.
        _, opened = await _read_opened(connection, key)
        if opened is None:
            raise
        return opened
    return decision


async def _read_opened(connection: asyncpg.Connection, key: RetryKey | None) -> tuple[datetime, Answer | None]:
    """The database's clock, and the auction that the key stands for, as it is now. Raises KeyReused."""
    [row] = await connection.fetch(_READ_OPENED, *((key.user_id, key.key) if key else (None, None)))
    if key is None or row["request"] is None:
        return row["at"], None
    if row["request"] != key.request:
        raise KeyReused
    return row["at"], Answer(auction_of(row), row["at"], bid=None, replayed=True)


def _opening(decision: Decision, listing: Listing, traceparent: str, key: RetryKey | None) -> tuple[object, ...]:
    """The parameters of open_auction.sql."""
    auction, terms = decision.auction, decision.auction.terms
    listed = (auction.minimum_next_bid, auction.end_at, False, traceparent or None, listing.title)
    text = row_text("item_events", auction.item_id, 1, "listed", decision.at, 0, None, 0, *listed)
    [message] = outbox_messages([RecordedEvent(event, terms, traceparent) for event in decision.events])
    return (
        auction.item_id,
        terms.seller_id,
        terms.currency,
        listing.category,
        decision.at,
        terms.start_at,
        terms.scheduled_end_at,
        terms.start_price,
        terms.reserve_price,
        terms.buy_now_price,
        terms.soft_close.window_seconds,
        terms.soft_close.extension_seconds,
        terms.soft_close.max_extension_seconds,
        terms.increment.fixed,
        terms.increment.basis_points,
        listing.title,
        listing.description,
        listing.images,
        traceparent or None,
        message.routing_key,
        message.event_count,
        message.body,
        chained(terms_digest(auction.item_id, terms), text),
        *((key.key, key.request) if key else (None, None)),
    )
