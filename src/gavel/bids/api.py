"""Composition root of the bid API."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

import asyncpg

from gavel.bids.adapters.connect.access_rules import PORT_RULES, STATUS_PATHS
from gavel.bids.adapters.connect.fast_path import fast_place_bid
from gavel.bids.adapters.connect.service import BidApi, bid_service_app
from gavel.bids.adapters.connect.status_page import StatusPage, page_settings
from gavel.bids.adapters.connect.watch import watching
from gavel.bids.adapters.postgres.connections import read_page_token_secret
from gavel.bids.adapters.postgres.writing.auction_book import PostgresAuctionBook
from gavel.bids.adapters.postgres.writing.batch_runner import lane_source
from gavel.bids.cached_reads import open_cached_reads
from gavel.bids.feed.live_feed import LiveFeed
from gavel.bids.live_feed import OpenLiveFeed, feed_source, open_live_feed
from gavel.bids.ports.book import AuctionBook, CommitListener
from gavel.bids.ports.catalogue import ItemCatalogue
from gavel.bids.ports.leaderboards import Leaderboards
from gavel.bids.settings import BidApiSettings
from gavel.runtime.http.health import Check
from gavel.runtime.http.page_tokens import PageTokens
from gavel.runtime.http.routes import routed
from gavel.runtime.http.server import Asgi
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.migrations import load_migrations, schema_check
from gavel.runtime.run_process import Parts
from gavel.runtime.telemetry.metrics import Source

SERVICE_PATH = "/bids.v1.BidService/"
PAGE_SETTINGS_PATH = "/page.json"


@dataclass(frozen=True, slots=True)
class OpenBidApi:
    """The applications to serve, readiness checks, checks that health only shows, ports, feed and metrics."""

    app: Asgi
    status: Asgi
    checks: Mapping[str, Check]
    shown: Mapping[str, Check]
    book: AuctionBook
    catalogue: ItemCatalogue
    leaderboards: Leaderboards
    feed: LiveFeed
    metrics: Sequence[Source]


@asynccontextmanager
async def open_bid_api(
    bid_db_url: str,
    house_currency: str,
    listeners: Sequence[CommitListener] = (),
    *,
    redis_url: str | None = None,
    live: OpenLiveFeed | None = None,
) -> AsyncGenerator[OpenBidApi]:
    """Build the API on a database that may be unavailable; on exit, answer waiting commands and close.

    Without a Redis URL, the cache is in memory. Without a live feed, one is opened.
    """

    async def connect() -> asyncpg.Connection:
        return await postgres.connect(bid_db_url, "gavel-lane")

    async with (
        await postgres.open_pool(bid_db_url, "gavel-bid-api") as pool,
        open_cached_reads(pool, redis_url) as reads,
        open_live_feed(bid_db_url) if live is None else nullcontext(live) as live_feed,
        PostgresAuctionBook(pool, connect, [*listeners, *live_feed.listeners, reads.listener]).running() as book,
    ):
        tokens = PageTokens(lambda: read_page_token_secret(pool))
        api = BidApi(book, reads.catalogue, reads.leaderboards, tokens, house_currency)
        app = fast_place_bid(api, watching(live_feed.feed, live_feed.log, bid_service_app(api)))
        checks = {"bid_db": schema_check(pool, load_migrations("gavel.bids"))}
        status = StatusPage(pool, lambda: live_feed.feed.watcher_count)
        lane = lane_source("bids", book.metrics, lambda: book.waiting_count)
        pools = postgres.pool_source({"bid-api": pool})
        metrics = [api.calls.read, api.bids.read, lane, pools, feed_source(live_feed.feed), *reads.metrics]
        ports = (book, reads.catalogue, reads.leaderboards)
        yield OpenBidApi(app, status.app, checks, reads.shown, *ports, live_feed.feed, metrics)


@asynccontextmanager
async def open_bid_api_process(settings: BidApiSettings) -> AsyncGenerator[Parts]:
    """The process `gavel bid-api`."""
    redis_url = None if settings.redis_url is None else str(settings.redis_url)
    rabbitmq_url = None if settings.rabbitmq_url is None else str(settings.rabbitmq_url)
    async with (
        open_live_feed(settings.bid_db_url, rabbitmq_url) as live,
        open_bid_api(settings.bid_db_url, settings.house_currency, redis_url=redis_url, live=live) as api,
    ):
        page = page_settings(settings.page())
        small_files = {**dict.fromkeys(STATUS_PATHS, api.status), PAGE_SETTINGS_PATH: page}
        app = routed({SERVICE_PATH: api.app, **small_files}, otherwise=api.app)
        yield Parts(api.checks, app, {**api.shown, **live.shown}, live.feed.stop, api.metrics, PORT_RULES, redis_url)
