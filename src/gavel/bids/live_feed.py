"""Composition of the live feed: the log, the feed of this process, its loops and its metrics."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client.core import Metric

from gavel.bids.adapters.memory.feed import InProcessFeed
from gavel.bids.adapters.postgres.feed.feed_log import CONNECTIONS_MAX, PostgresFeedLog
from gavel.bids.adapters.rabbitmq.feed import RabbitMqFeed, RabbitMqFeedPublisher
from gavel.bids.feed.live_feed import FILL_IDLE_SECONDS, SWEEP_SECONDS, LiveFeed
from gavel.bids.ports.book import CommitListener, Unavailable
from gavel.bids.ports.feed import EventLog
from gavel.runtime.http.health import Check
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.process.loops import Loop
from gavel.runtime.telemetry.metrics import Source, counter, gauge

SEND_IDLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class OpenLiveFeed:
    """The feed, its event log, its commit listeners, and the checks that health shows."""

    feed: LiveFeed
    log: EventLog
    listeners: Sequence[CommitListener]
    shown: Mapping[str, Check]


@asynccontextmanager
async def open_live_feed(bid_db_url: str, rabbitmq_url: str | None = None) -> AsyncGenerator[OpenLiveFeed]:
    """Run the feed of a bid_db, which may be unavailable, inside the context; on exit, end its watchers' streams.

    With a broker's URL, processes send each other their commits at once. The broker may be unavailable too.
    """
    async with await postgres.open_pool(bid_db_url, "gavel-feed", CONNECTIONS_MAX) as pool:
        log = PostgresFeedLog(pool)
        feed = LiveFeed(log)
        own = InProcessFeed(feed)
        async with _working(feed):
            try:
                if rabbitmq_url is None:
                    yield OpenLiveFeed(feed, log, [own], {})
                else:
                    others, publisher = RabbitMqFeed(rabbitmq_url, feed), RabbitMqFeedPublisher(rabbitmq_url)
                    async with others.running(), publisher.running():
                        yield OpenLiveFeed(feed, log, [own, publisher], {"rabbitmq": others.problem})
            finally:
                feed.stop()


@asynccontextmanager
async def _working(feed: LiveFeed) -> AsyncGenerator[None]:
    async with (
        Loop("feed-sender", feed.send_next, SEND_IDLE_SECONDS, wake=feed.send_wake).running(),
        Loop("feed-filler", feed.fill, FILL_IDLE_SECONDS, (Unavailable,), feed.fill_wake).running(),
        Loop("feed-sweeper", feed.sweep, SWEEP_SECONDS).running(),
    ):
        yield


def feed_source(feed: LiveFeed) -> Source:
    """Metrics of a feed."""

    async def read() -> Sequence[Metric]:
        return [
            gauge("gavel_feed_watchers", "Streams that are open now.", (), {(): feed.watcher_count}),
            gauge("gavel_feed_items", "Items that have watchers now.", (), {(): feed.item_count}),
            counter("gavel_feed_streams_total", "Streams that were opened.", (), {(): feed.watchers_seen}),
            counter("gavel_feed_snapshots_total", "Items sent to a watcher as a snapshot.", (), {(): feed.snapshots}),
            counter(
                "gavel_feed_resumes_total", "Items resumed for a watcher from its position.", (), {(): feed.resumes}
            ),
            counter(
                "gavel_feed_events_total",
                "Events sent, each counted once whatever the number of watchers.",
                (),
                {(): feed.events_sent},
            ),
            counter(
                "gavel_feed_gaps_filled_total",
                "Events that the feed missed and read from the log.",
                (),
                {(): feed.gaps_filled},
            ),
            counter(
                "gavel_feed_slow_watchers_total",
                "Streams ended because their watcher did not read.",
                (),
                {(): feed.slow_watchers_ended},
            ),
        ]

    return read
