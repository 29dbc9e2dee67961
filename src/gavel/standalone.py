"""`gavel standalone`: both services, their workers and a Postgres of their own in one process."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import structlog

from gavel.bids.adapters.connect.status_page import page_settings
from gavel.bids.adapters.memory.publisher import InProcessPublisher
from gavel.bids.api import PAGE_SETTINGS_PATH, OpenBidApi, open_bid_api
from gavel.bids.live_feed import open_live_feed
from gavel.bids.settings import PageSettings
from gavel.bids.worker import RelayWaker, running_bid_worker
from gavel.runtime.http.access_control import AccessControl, open_access_control
from gavel.runtime.http.authentication.oidc_discovery import LoginOrigins
from gavel.runtime.http.health import health_routes, metrics_route
from gavel.runtime.http.routes import AsgiRoute, Routes
from gavel.runtime.http.settings import Port
from gavel.runtime.http.static_page import WebPage
from gavel.runtime.postgres.data_folder import data_folder
from gavel.runtime.postgres.embedded import embedded_postgres
from gavel.runtime.postgres.migrations import migrate_database
from gavel.runtime.process.in_process_broker import InProcessBroker
from gavel.runtime.process.settings import LogLevel, blank_as
from gavel.runtime.telemetry.event_loop_lag import event_loop_lag
from gavel.runtime.telemetry.logs import LogFormat
from gavel.runtime.telemetry.metrics import process_source
from gavel.userstats.adapters.memory.event_source import InProcessEventSource
from gavel.userstats.api import open_stats_api
from gavel.userstats.worker import running_stats_worker

# A checkout builds its page there; an installed Gavel needs the setting.
PAGE_FOLDER = Path(__file__).parents[2] / "web" / "dist"
DATABASES = {"bid_db": "gavel.bids", "stats_db": "gavel.userstats"}

_log = structlog.get_logger(__name__)


class StandaloneSettings(PageSettings):
    """`gavel standalone`."""

    http_port: Port = 8080
    # Blank counts as not set: as a path, it is the working folder.
    gavel_page_dir: Annotated[Path, blank_as(PAGE_FOLDER)] = PAGE_FOLDER
    # Meant for a person at a terminal.
    log_level: LogLevel = "WARNING"
    log_format: LogFormat = "console"


@dataclass(frozen=True, slots=True)
class Standalone:
    """Running parts: the routes to serve, their access control, the page in them, the open bid API and its database."""

    routes: Routes
    access_control: AccessControl
    page: WebPage
    bids: OpenBidApi
    bid_db_url: str


@asynccontextmanager
async def running_standalone(settings: StandaloneSettings) -> AsyncGenerator[Standalone]:
    """Start the parts in the order in which they need each other; stop them in reverse.

    Raises FolderInUse, DataFolderUnusable or EmbeddedPostgresFailed.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(settings.exporting_spans("standalone"))
        server = await stack.enter_async_context(embedded_postgres(data_folder()))
        for database, package in DATABASES.items():
            await server.create_database(database)
            await migrate_database(server.url(database), package)
        broker = InProcessBroker()
        stats = await stack.enter_async_context(open_stats_api(server.url("stats_db")))
        source = InProcessEventSource(broker)
        counting = await stack.enter_async_context(running_stats_worker(server.url("stats_db"), source))
        stack.callback(broker.close)
        waker = RelayWaker()
        bid_db_url = server.url("bid_db")
        live = await stack.enter_async_context(open_live_feed(bid_db_url))
        worker = running_bid_worker(bid_db_url, InProcessPublisher(broker), waker, live.listeners)
        relaying = await stack.enter_async_context(worker)
        opened = open_bid_api(
            bid_db_url,
            settings.house_currency,
            [waker],
            live=live,
            status_sources=counting.metrics,
            seller_limits=settings.seller_limits(),
        )
        bids = await stack.enter_async_context(opened)
        access_control, access_checks = await stack.enter_async_context(open_access_control(settings))
        delay = await stack.enter_async_context(event_loop_lag())
        counted = [*bids.metrics, *relaying.metrics, *counting.metrics, *stats.metrics, access_control.source]
        login_origins = LoginOrigins(settings.login_issuer())
        await stack.enter_async_context(login_origins.renewing().running())
        page = WebPage(settings.gavel_page_dir.expanduser(), login_origins)
        routes = {
            **bids.routes,
            **(stats.routes or {}),
            **health_routes({**bids.checks, **stats.checks, **access_checks}),
            **metrics_route([process_source(), delay, *counted]),
            PAGE_SETTINGS_PATH: page_settings(settings.page()),
        }
        yield Standalone(Routes(routes, otherwise=AsgiRoute(page)), access_control, page, bids, bid_db_url)
