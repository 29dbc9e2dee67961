"""`python -m gavel_tools.bench.systems.naive_server`: standalone, but with the naive book for bids.

The HTTP layer, the checks, the decisions, the schema, Postgres, the relay and the consumer are the
same, so that the difference between the two is the book alone. The naive book's commits do not wake the relay, which
then looks by itself once a second and takes more at a time: that spares the baseline work.
"""

import uvloop

from gavel.bids.adapters.connect.routes import bid_service
from gavel.bids.adapters.connect.service import BidApi
from gavel.bids.adapters.connect.watch import WatchApi
from gavel.runtime.http.routes import Pipeline, Routes
from gavel.runtime.http.server import bind, serving, stop_signals
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.data_folder import data_folder
from gavel.runtime.postgres.embedded import PostgresCluster
from gavel.runtime.process.settings import load_settings
from gavel.runtime.run_process import settle_memory
from gavel.runtime.telemetry.logs import configure_logs
from gavel.standalone import StandaloneSettings, running_standalone
from gavel_tools.bench.systems.naive_auction_book import POOL_CONNECTIONS_MAX, NaiveAuctionBook


async def serve() -> None:
    """Serve until a signal to stop."""
    settings = load_settings(StandaloneSettings)
    configure_logs(settings.log_level, settings.log_format, settings.secret_names)
    listener = bind(settings.http_host, settings.http_port)
    bid_db_url = PostgresCluster(data_folder().resolve()).server.url("bid_db")
    with stop_signals() as stopping:
        async with (
            running_standalone(settings) as running,
            await postgres.open_pool(bid_db_url, "gavel-naive", POOL_CONNECTIONS_MAX) as pool,
        ):
            book = NaiveAuctionBook(pool, beside=running.bids.book)
            bids = running.bids
            commands = BidApi(book, bids.catalogue, settings.house_currency)
            service = bid_service(commands, bids.reads, WatchApi(bids.feed, bids.log))
            routes = Routes({**running.routes.by_path, **service.routes}, running.routes.otherwise)
            async with serving(Pipeline(routes, running.access_control), listener):
                settle_memory()
                await stopping.wait()


if __name__ == "__main__":
    uvloop.run(serve())
