"""`gavel stats`: rebuild the totals."""

from contextlib import aclosing

import typer

from gavel.bids.adapters.postgres.feed.event_log import read_event_log
from gavel.bids.settings import BidDatabaseSettings
from gavel.cli.command_errors import run
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.process.settings import load_settings
from gavel.userstats.adapters.event_codec import EventBatchReader
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook
from gavel.userstats.settings import StatsDatabaseSettings
from gavel.userstats.use_cases.rebuild_stats import rebuild_stats

app = typer.Typer(no_args_is_help=True, help="Maintain the totals.")


@app.command("rebuild")
def rebuild() -> None:
    """Count all events of bid_db's log again, beside live traffic; then replace the totals at one moment."""

    async def main() -> None:
        bids, stats = load_settings(BidDatabaseSettings), load_settings(StatsDatabaseSettings)
        connection = await postgres.connect(bids.bid_db_url, "gavel-rebuild")
        try:
            async with (
                await postgres.open_pool(stats.stats_db_url, "gavel-rebuild") as pool,
                aclosing(read_event_log(connection)) as log,
            ):
                counted = await rebuild_stats(PostgresStatsBook(pool), EventBatchReader(), log)
        finally:
            await connection.close()
        typer.echo(f"{counted} events counted from the log")

    run(main)
