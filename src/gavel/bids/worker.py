"""Composition root of the bid worker: the relay, the closer, upkeep, and answers to consumers that lost events."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

import asyncpg
import structlog

from gavel.bids.adapters.postgres.feed.recorded_log import PostgresRecordedLog
from gavel.bids.adapters.postgres.outbox.outbox import PostgresOutbox, RelayMetrics, outbox_source
from gavel.bids.adapters.postgres.upkeep.upkeep import PostgresUpkeep
from gavel.bids.adapters.postgres.writing.auction_book import PostgresAuctionBook
from gavel.bids.adapters.postgres.writing.batch_runner import lane_source
from gavel.bids.adapters.postgres.writing.due_auctions import CloserMetrics, PostgresDueAuctions
from gavel.bids.adapters.rabbitmq.feed import RabbitMqFeedPublisher
from gavel.bids.adapters.rabbitmq.log_requests import RabbitMqLogRequests
from gavel.bids.adapters.rabbitmq.publisher import RabbitMqPublisher
from gavel.bids.ports.book import AuctionBook, Change, CommandCall, CommitListener, Unavailable
from gavel.bids.ports.due_auctions import DueAuctions
from gavel.bids.ports.outbox import EventPublisher, EventsNotPublished
from gavel.bids.ports.recorded_log import RecordedLog
from gavel.bids.settings import BidWorkerSettings
from gavel.bids.use_cases.close_due import INTERRUPTIONS, Deferred, close_due
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.clock import DatabaseClock
from gavel.runtime.postgres.migrations import load_migrations, schema_check
from gavel.runtime.process.loops import Loop
from gavel.runtime.run_process import Parts
from gavel.runtime.telemetry.metrics import Source

RELAY_CLAIM_ROWS_MAX = 500
RELAY_IDLE_SECONDS = 0.025
RELAY_WOKEN_IDLE_SECONDS = 1.0
# After a pass of fewer events than this the relay pauses, so that the next pass carries more. A relay that is woken
# shares its process with the bids, and with a counter whose transaction costs the same for one event as for hundreds.
RELAY_GATHER_EVENTS_MAX = 500
RELAY_GATHER_SECONDS = 0.01
RELAY_WOKEN_GATHER_EVENTS_MAX = 5_000
RELAY_WOKEN_GATHER_SECONDS = 0.1
# An outcome is due within a second of the end. New auctions may end before the one that the closer sleeps for.
CLOSER_IDLE_SECONDS = 0.5
CLOSE_SECONDS_MAX = 10.0
# Lists and counts show an auction that is not noted as started too, at the cost of reading it.
STARTER_IDLE_SECONDS = 0.5
KEY_PRUNER_IDLE_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class RelayWaker:
    """CommitListener that wakes a relay of the same process, which can then poll less often."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()

    def committed(self, changes: Sequence[Change]) -> None:
        """See CommitListener.committed."""
        if changes:
            self.wake.set()


@asynccontextmanager
async def running_bid_worker(
    bid_db_url: str,
    publisher: EventPublisher,
    waker: RelayWaker | None = None,
    listeners: Sequence[CommitListener] = (),
    answering: Callable[[RecordedLog], AbstractAsyncContextManager[None]] = nullcontext,
) -> AsyncGenerator[Parts]:
    """Run the relay and the closer inside the context. With a waker, the relay polls only for what others left.

    The listeners are notified of the closer's commits. `answering` answers consumers from the log.
    """
    wake_relay = waker or RelayWaker()
    relay_idle_seconds = RELAY_IDLE_SECONDS if waker is None else RELAY_WOKEN_IDLE_SECONDS
    gather_events_max = RELAY_GATHER_EVENTS_MAX if waker is None else RELAY_WOKEN_GATHER_EVENTS_MAX
    gather_seconds = RELAY_GATHER_SECONDS if waker is None else RELAY_WOKEN_GATHER_SECONDS
    async with (
        await postgres.open_pool(bid_db_url, "gavel-bid-worker") as pool,
        await postgres.open_stream_pool(bid_db_url, "gavel-relay", wait_for_flush=False) as relay_pool,
    ):
        # Its DELETE need not be flushed: one that a crash undoes is published again, and deduplicated by event id.
        relayed = RelayMetrics()
        outbox = PostgresOutbox(relay_pool, relayed)

        expected = (EventsNotPublished, Unavailable)

        async def relay() -> bool:
            try:
                events = await outbox.relay(publisher.publish, RELAY_CLAIM_ROWS_MAX)
            except expected:
                relayed.retries += 1
                raise
            if 0 < events < gather_events_max:
                await asyncio.sleep(gather_seconds)
            return events > 0

        clock = DatabaseClock("bid_db")
        upkeep = PostgresUpkeep(pool, clock)
        async with (
            Loop("starter", upkeep.note_started, STARTER_IDLE_SECONDS, (Unavailable,)).running(),
            Loop("key_pruner", upkeep.prune_keys, KEY_PRUNER_IDLE_SECONDS, (Unavailable,)).running(),
            Loop("relay", relay, relay_idle_seconds, expected, wake_relay.wake).running(),
            running_closer(bid_db_url, pool, [wake_relay, *listeners], clock) as closed,
            answering(PostgresRecordedLog(pool)),
        ):
            pools = postgres.pool_source({"bid-worker": pool, "relay": relay_pool})
            metrics = [relayed.read, outbox_source(pool), pools, clock.read, upkeep.read, *closed]
            yield Parts({"bid_db": schema_check(pool, load_migrations("gavel.bids"))}, metrics=metrics)


@asynccontextmanager
async def running_closer(
    bid_db_url: str,
    pool: asyncpg.Pool,
    listeners: Sequence[CommitListener] = (),
    clock: DatabaseClock | None = None,
) -> AsyncGenerator[Sequence[Source]]:
    """Close due auctions inside the context, through a book of the closer's own; yield its metrics."""

    async def connect() -> asyncpg.Connection:
        return await postgres.connect(bid_db_url, "gavel-closer")

    lateness = CloserMetrics()
    async with (
        PostgresAuctionBook(pool, connect, [*listeners, lateness]).running() as book,
        closer(book, PostgresDueAuctions(pool, clock)).running(),
    ):
        yield [lateness.read, lane_source("closer", book.metrics, lambda: book.waiting_count)]


def closer(book: AuctionBook, due_auctions: DueAuctions) -> Loop:
    """Loop that closes due auctions, and sleeps until the next end or for CLOSER_IDLE_SECONDS at most."""
    wake, deferred = asyncio.Event(), Deferred()

    async def close() -> bool:
        loop = asyncio.get_running_loop()
        now_seconds = loop.time()
        call, suspects = CommandCall(now_seconds + CLOSE_SECONDS_MAX), deferred.suspects
        done = await close_due(book, due_auctions, deferred.at(now_seconds), call=call, suspects=suspects)
        for item_id, error in done.failed.items():
            pause_seconds = deferred.add(item_id, loop.time())
            _log.error("auction_close_failed", item_id=item_id, retry_seconds=pause_seconds, exc_info=error)
        if done.interrupted_by is not None:
            raise done.interrupted_by
        if done.next_end_seconds is not None and done.next_end_seconds < CLOSER_IDLE_SECONDS:
            loop.call_later(done.next_end_seconds, wake.set)
        return done.auctions > 0

    return Loop("closer", close, CLOSER_IDLE_SECONDS, INTERRUPTIONS, wake)


@asynccontextmanager
async def open_bid_worker(settings: BidWorkerSettings) -> AsyncGenerator[Parts]:
    """The process `gavel bid-worker`."""
    publisher = RabbitMqPublisher(str(settings.rabbitmq_url))
    feed = RabbitMqFeedPublisher(str(settings.rabbitmq_url))
    requests = RabbitMqLogRequests(str(settings.rabbitmq_url), publisher)
    try:
        async with (
            feed.running(),
            running_bid_worker(settings.bid_db_url, publisher, None, [feed], requests.running) as parts,
        ):
            checks = {**parts.checks, "rabbitmq": publisher.problem}
            yield Parts(checks, metrics=[*parts.metrics, publisher.metrics])
    finally:
        await publisher.close()
