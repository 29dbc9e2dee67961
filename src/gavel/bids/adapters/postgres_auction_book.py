"""The auction book on Postgres: the row lock is the arbiter, the lane makes it fast."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Self

import asyncpg
import structlog

from gavel.bids.adapters.lane import Command, Lane
from gavel.bids.adapters.lane_connection import Connect, LaneConnection
from gavel.bids.adapters.postgres_batch import BatchOutcome, FateUnknown, NotCommitted, commit_batch
from gavel.bids.adapters.wire import RecordedEvent, outbox_messages
from gavel.bids.domain.auction import Auction
from gavel.bids.domain.decision import Answer, Decide, Decision, RetryKey
from gavel.bids.domain.ids import ItemId
from gavel.bids.domain.listing import Listing
from gavel.bids.ports import Call, DeadlineExceeded, Unavailable
from gavel.runtime.postgres import load_sql

_READ_CLOCK = load_sql(__package__, "read_clock")
_OPEN_AUCTION = load_sql(__package__, "open_auction")

# Commands of a batch that failed because of what is in it are tried alone for this long; the rest is told to retry.
ALONE_SECONDS_MAX = 2.0
LAST_SEEN_AUCTIONS_MAX = 10_000
DRAIN_SECONDS_MAX = 5.0
# SQLSTATE classes that blame a statement's own data: data exception, integrity violation, syntax or access, PL/pgSQL.
_CONTENT_SQLSTATE_CLASSES = ("22", "23", "42", "P0")

_log = structlog.get_logger(__name__)


class PostgresAuctionBook:
    """AuctionBook on bid_db: one lane with a connection of its own, and a pool for new items."""

    def __init__(self, pool: asyncpg.Pool, connect: Connect) -> None:
        self._pool = pool
        self._connection = LaneConnection(connect)
        self._lane = Lane(self._run_batch)
        self._last_seen: OrderedDict[ItemId, tuple[Auction, datetime, float]] = OrderedDict()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Self]:
        """Serve commands inside the context; on the way out, answer those that wait, within DRAIN_SECONDS_MAX."""
        runner = asyncio.create_task(self._lane.run(), name="lane")
        try:
            yield self
        finally:
            self._lane.close()
            _, unfinished = await asyncio.wait([runner], timeout=DRAIN_SECONDS_MAX)
            if unfinished:
                runner.cancel()
            self._connection.discard()
            await asyncio.gather(runner, return_exceptions=bool(unfinished))

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
        try:
            return await answer
        finally:
            alarm.cancel()

    async def open(self, open_at: Callable[[datetime], Decision], listing: Listing, *, call: Call) -> Answer:
        """See AuctionBook.open."""
        try:
            async with (
                asyncio.timeout_at(call.deadline_seconds),
                self._pool.acquire() as connection,
                connection.transaction(),
            ):
                decision = open_at(await connection.fetchval(_READ_CLOCK))
                await connection.execute(_OPEN_AUCTION, *_opening(decision, listing, call.traceparent))
        except TimeoutError as error:
            raise DeadlineExceeded from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if _is_content_error(error):
                raise
            raise Unavailable("the item may not have been listed") from error
        return Answer(decision.auction, decision.at, bid=None)

    def last_seen(self, item_id: ItemId) -> tuple[Auction, datetime] | None:
        """See AuctionBook.last_seen. The clock is the database's at the commit, moved on by the monotonic clock."""
        seen = self._last_seen.get(item_id)
        if seen is None:
            return None
        auction, at, seen_seconds = seen
        return auction, at + timedelta(seconds=asyncio.get_running_loop().time() - seen_seconds)

    async def _run_batch(self, commands: Sequence[Command]) -> None:
        """Decide a batch and answer every caller in it, whatever happens."""
        try:
            self._tell(await self._commit(commands))
        except NotCommitted as failure:
            if _is_content_error(failure.__cause__):
                await self._run_alone(commands, failure)
            else:
                self._fail(commands, failure)
        except Exception as error:  # noqa: BLE001 - the lane must outlive any batch; every caller is told
            self._fail(commands, error)

    async def _commit(self, commands: Sequence[Command]) -> BatchOutcome:
        """One transaction on the lane's connection; one that turns out to be stale at BEGIN is replaced once."""
        was_open = self._connection.is_open
        connection = await self._connection.get()
        try:
            return await commit_batch(connection, commands)
        except NotCommitted as failure:
            self._connection.discard()
            if was_open and not failure.began:
                return await self._commit(commands)
            raise
        except FateUnknown:
            self._connection.discard()
            raise

    async def _run_alone(self, commands: Sequence[Command], failure: NotCommitted) -> None:
        """Something in the batch can't be stored: try each command alone, so that a poisonous one fails alone."""
        if len(commands) == 1:
            self._fail(commands, failure.__cause__ or failure)
            return
        _log.warning("batch_failed_trying_alone", commands=len(commands), error=type(failure.__cause__).__name__)
        deadline_seconds = asyncio.get_running_loop().time() + ALONE_SECONDS_MAX
        for command in commands:
            if asyncio.get_running_loop().time() > deadline_seconds:
                self._fail([command], Unavailable("too many commands had to be tried alone"))
            else:
                await self._run_batch([command])

    def _tell(self, outcome: BatchOutcome) -> None:
        """Answer the callers of a committed batch; one that went away misses its answer, not its bid."""
        now_seconds = asyncio.get_running_loop().time()
        for auction in outcome.auctions.values():
            self._last_seen[auction.item_id] = (auction, outcome.at, now_seconds)
            self._last_seen.move_to_end(auction.item_id)
        while len(self._last_seen) > LAST_SEEN_AUCTIONS_MAX:
            self._last_seen.popitem(last=False)
        for command, answer in outcome.answers:
            if not command.answer.done():
                command.answer.set_result(answer)
        for command, refusal in outcome.refusals:
            if not command.answer.done():
                command.answer.set_exception(refusal)

    def _fail(self, commands: Sequence[Command], error: BaseException) -> None:
        """Tell every caller of a failed batch. Infrastructure errors become Unavailable; a bug stays what it is."""
        if isinstance(error, NotCommitted | FateUnknown):
            _log.warning("batch_failed", commands=len(commands), fate=type(error).__name__, error=repr(error.__cause__))
            unknown = isinstance(error, FateUnknown)
            error = Unavailable("the bid may not have been accepted" if unknown else "the bid was not decided")
        for command in commands:
            if not command.answer.done():
                command.answer.set_exception(error)


def _give_up(answer: asyncio.Future[Answer]) -> None:
    if not answer.done():
        answer.set_exception(DeadlineExceeded())


def _is_content_error(error: BaseException | None) -> bool:
    """Whether the commands' own content made the batch fail, so that trying again as it is can't help."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_CONTENT_SQLSTATE_CLASSES)
    return isinstance(error, Exception) and not isinstance(error, OSError | TimeoutError | asyncpg.InterfaceError)


def _opening(decision: Decision, listing: Listing, traceparent: str) -> tuple[object, ...]:
    """The parameters of open_auction.sql."""
    auction, terms = decision.auction, decision.auction.terms
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
    )
