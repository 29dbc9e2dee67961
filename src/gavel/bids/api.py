"""Composition root of the bid API."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass

import asyncpg

from gavel.bids.adapters.connect.reads import ReadApi
from gavel.bids.adapters.connect.routes import PUBLIC_READ, bid_service
from gavel.bids.adapters.connect.seller_limits import SellerLimits
from gavel.bids.adapters.connect.service import BidApi
from gavel.bids.adapters.connect.status_page import StatusPage, page_settings
from gavel.bids.adapters.connect.watch import WatchApi
from gavel.bids.adapters.postgres.connections import read_page_token_secret
from gavel.bids.adapters.postgres.writing.auction_book import PostgresAuctionBook
from gavel.bids.adapters.postgres.writing.batch_runner import lane_source
from gavel.bids.adapters.rabbitmq.dead_letters import RabbitMqDeadLetterCount
from gavel.bids.cached_reads import open_cached_reads
from gavel.bids.feed.live_feed import LiveFeed
from gavel.bids.live_feed import OpenLiveFeed, feed_source, open_live_feed
from gavel.bids.ports.book import AuctionBook, CommitListener
from gavel.bids.ports.catalogue import ItemCatalogue
from gavel.bids.ports.feed import EventLog
from gavel.bids.ports.leaderboards import Leaderboards
from gavel.bids.settings import BidApiSettings
from gavel.runtime.http.connect.page_tokens import PageTokens
from gavel.runtime.http.health import Check
from gavel.runtime.http.routes import Page, Route
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.migrations import load_migrations, schema_check
from gavel.runtime.run_process import Parts
from gavel.runtime.telemetry.metrics import Source

# The second path is its name in 0.1, kept for one release.
STATUS_PATHS = ("/status.json", "/board.json")
PAGE_SETTINGS_PATH = "/page.json"
# With two, the process works while the database does: a third more bids on many items. One item is in one lane.
BID_LANES = 2


@dataclass(frozen=True, slots=True)
class OpenBidApi:
    """The routes to serve, readiness checks, checks that health only shows, ports, feed and metrics."""

    routes: Mapping[str, Route]
    reads: ReadApi
    checks: Mapping[str, Check]
    shown: Mapping[str, Check]
    book: AuctionBook
    catalogue: ItemCatalogue
    leaderboards: Leaderboards
    feed: LiveFeed
    log: EventLog
    metrics: Sequence[Source]


@asynccontextmanager
async def open_bid_api(
    bid_db_url: str,
    house_currency: str,
    listeners: Sequence[CommitListener] = (),
    *,
    redis_url: str | None = None,
    live: OpenLiveFeed | None = None,
    status_sources: Sequence[Source] = (),
    seller_limits: SellerLimits | None = None,
) -> AsyncGenerator[OpenBidApi]:
    """Build the API on a database that may be unavailable; on exit, answer waiting commands and close.

    Without a Redis URL, the cache is in memory. Without a live feed, one is opened. The status page shows dead letters
    if one of `status_sources` counts them.
    """

    async def connect() -> asyncpg.Connection:
        return await postgres.connect(bid_db_url, "gavel-lane")

    async with (
        await postgres.open_pool(bid_db_url, "gavel-bid-api") as pool,
        open_cached_reads(pool, redis_url) as reads,
        open_live_feed(bid_db_url) if live is None else nullcontext(live) as live_feed,
        PostgresAuctionBook(
            pool, connect, [*listeners, *live_feed.listeners, reads.listener], lanes=BID_LANES
        ).running() as book,
    ):
        tokens = PageTokens(lambda: read_page_token_secret(pool))
        commands = BidApi(book, reads.catalogue, house_currency, seller_limits)
        read_api = ReadApi(reads.catalogue, reads.leaderboards, tokens)
        service = bid_service(commands, read_api, WatchApi(live_feed.feed, live_feed.log))
        checks = {"bid_db": schema_check(pool, load_migrations("gavel.bids"))}
        status = StatusPage(pool, lambda: live_feed.feed.watcher_count, [service.metrics.read, *status_sources])
        lane = lane_source("bids", book.metrics, lambda: book.waiting_count)
        pools = postgres.pool_source({"bid-api": pool})
        metrics = [service.metrics.read, commands.bids.read, lane, pools, feed_source(live_feed.feed), *reads.metrics]
        ports = (book, reads.catalogue, reads.leaderboards)
        status_page = Page(status.answer, PUBLIC_READ)
        routes = {**service.routes, **dict.fromkeys(STATUS_PATHS, status_page)}
        yield OpenBidApi(routes, read_api, checks, reads.shown, *ports, live_feed.feed, live_feed.log, metrics)


@asynccontextmanager
async def open_bid_api_process(settings: BidApiSettings) -> AsyncGenerator[Parts]:
    """The process `gavel bid-api`."""
    redis_url = None if settings.redis_url is None else str(settings.redis_url)
    rabbitmq_url = None if settings.rabbitmq_url is None else str(settings.rabbitmq_url)
    async with AsyncExitStack() as stack:
        letters: list[Source] = []
        if rabbitmq_url is not None:
            count = RabbitMqDeadLetterCount(rabbitmq_url)
            stack.push_async_callback(count.close)
            letters.append(count.read)
        seller_limits = settings.seller_limits()
        await stack.enter_async_context(seller_limits.sharing(redis_url))
        live = await stack.enter_async_context(open_live_feed(settings.bid_db_url, rabbitmq_url))
        opened = open_bid_api(
            settings.bid_db_url,
            settings.house_currency,
            redis_url=redis_url,
            live=live,
            status_sources=letters,
            seller_limits=seller_limits,
        )
        api = await stack.enter_async_context(opened)
        routes = {**api.routes, PAGE_SETTINGS_PATH: page_settings(settings.page())}
        yield Parts(api.checks, routes, {**api.shown, **live.shown}, live.feed.stop, api.metrics, redis_url)
