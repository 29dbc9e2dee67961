"""The parts of the live feed, put together: the log, the feed of this process, and the loops that work it off."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gavel.bids.adapters.memory.feed import InProcessFeed
from gavel.bids.adapters.postgres.feed.feed_log import CONNECTIONS_MAX, PostgresFeedLog
from gavel.bids.adapters.rabbitmq.feed import RabbitMqFeed, RabbitMqFeedPublisher
from gavel.bids.ports.book import CommitListener, Unavailable
from gavel.bids.ports.feed import EventLog
from gavel.bids.use_cases.live_feed import FILL_IDLE_SECONDS, SWEEP_SECONDS, LiveFeed
from gavel.runtime.http.health import Check
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.process.loops import Loop

TELL_IDLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class OpenLiveFeed:
    """The feed, what it reads, who must be told of commits, and what of it health shows."""

    feed: LiveFeed
    log: EventLog
    listeners: Sequence[CommitListener]
    shown: Mapping[str, Check]


@asynccontextmanager
async def open_live_feed(bid_db_url: str, rabbitmq_url: str | None = None) -> AsyncGenerator[OpenLiveFeed]:
    """Run the feed of a bid_db, which may be away, inside the context; on the way out send away who still watches.

    With the URL of a broker, which may be away too, processes tell each other at once what they commit.
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
        Loop("feed-teller", feed.tell, TELL_IDLE_SECONDS, wake=feed.tell_wake).running(),
        Loop("feed-filler", feed.fill, FILL_IDLE_SECONDS, (Unavailable,), feed.fill_wake).running(),
        Loop("feed-sweeper", feed.sweep, SWEEP_SECONDS).running(),
    ):
        yield
