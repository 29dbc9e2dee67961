"""`gavel standalone`, `bid-api`, `bid-worker`, `stats-api` and `stats-worker`: the long-running processes.

Each command imports its own process when it runs: the others' modules would cost memory, and `standalone` needs
packages that an image of the four processes does not have.
"""

from typing import Annotated

import typer

from gavel.cli.command_errors import run
from gavel.runtime.http.routes import Pipeline
from gavel.runtime.http.server import address_of, bind, serving, stop_signals
from gavel.runtime.process.settings import load_settings
from gavel.runtime.run_process import run_process, settle_memory, warn_of_trust
from gavel.runtime.telemetry.logs import configure_logs


def standalone(
    *,
    sample_auctions: Annotated[bool, typer.Option(help="Keep sample auctions on sale, at first with a past.")] = False,
    crowd: Annotated[bool, typer.Option(help="Let a small crowd bid, within budgets of its own.")] = False,
) -> None:
    """Run everything in one process, with an embedded Postgres."""
    from gavel.cli.demo import welcome
    from gavel.demo.running import running_demo
    from gavel.standalone import StandaloneSettings, running_standalone

    async def main() -> None:
        settings = load_settings(StandaloneSettings)
        configure_logs(settings.log_level, settings.log_format, settings.secret_names)
        listener = bind(settings.http_host, settings.http_port)
        with stop_signals() as stopping:
            async with (
                running_standalone(settings) as running,
                running_demo(
                    running.bids, running.bid_db_url, settings.house_currency, samples=sample_auctions, crowd=crowd
                ),
                serving(
                    Pipeline(running.routes, running.access_control),
                    listener,
                    running.bids.feed.stop,
                    cors_origins=settings.cors_origins,
                    addresses=running.access_control.addresses,
                ),
            ):
                warn_of_trust(settings, address_of(listener))
                await welcome(running, address_of(listener), crowd=crowd)
                settle_memory()
                await stopping.wait()
                typer.echo("\nStopping: finishing requests in progress ...")
        typer.echo("Stopped. The data stays.")

    run(main)


def bid_api() -> None:
    """Run the bid API: it decides bids, and serves items and the live feed."""
    from gavel.bids.api import open_bid_api_process
    from gavel.bids.settings import BidApiSettings

    async def main() -> None:
        settings = load_settings(BidApiSettings)
        await run_process("bid-api", settings, open_bid_api_process(settings))

    run(main)


def bid_worker() -> None:
    """Run the bid worker: it publishes events to the broker, and closes auctions at their end."""
    from gavel.bids.settings import BidWorkerSettings
    from gavel.bids.worker import open_bid_worker

    async def main() -> None:
        settings = load_settings(BidWorkerSettings)
        await run_process("bid-worker", settings, open_bid_worker(settings))

    run(main)


def stats_api() -> None:
    """Run the stats API: it serves users' totals."""
    from gavel.userstats.api import open_stats_api
    from gavel.userstats.settings import StatsApiSettings

    async def main() -> None:
        settings = load_settings(StatsApiSettings)
        await run_process("stats-api", settings, open_stats_api(str(settings.stats_db_url)))

    run(main)


def stats_worker() -> None:
    """Run the stats worker: it counts each event once."""
    from gavel.userstats.settings import StatsWorkerSettings
    from gavel.userstats.worker import open_stats_worker

    async def main() -> None:
        settings = load_settings(StatsWorkerSettings)
        await run_process("stats-worker", settings, open_stats_worker(settings))

    run(main)
