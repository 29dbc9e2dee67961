"""`gavel migrate`: schema migrations and grants of one database."""

from enum import StrEnum
from typing import Annotated

import typer

from gavel.bids.settings import BidMigrationSettings
from gavel.cli.command_errors import run
from gavel.runtime.postgres.migrations import migrate_database
from gavel.runtime.process.settings import load_settings
from gavel.userstats.settings import StatsMigrationSettings


class Side(StrEnum):
    """Which database."""

    BIDS = "bids"
    STATS = "stats"


def migrate(side: Annotated[Side, typer.Argument(help="The database: BID_DB_URL or STATS_DB_URL.")]) -> None:
    """Apply missing schema migrations, and grant the roles in GRANT_TO what they need. Safe to run concurrently."""

    async def main() -> None:
        if side is Side.BIDS:
            settings = load_settings(BidMigrationSettings)
            applied = await migrate_database(settings.bid_db_url, "gavel.bids", settings.grant_to)
        else:
            settings = load_settings(StatsMigrationSettings)
            applied = await migrate_database(settings.stats_db_url, "gavel.userstats", settings.grant_to)
        typer.echo(f"{side.value}: {applied} migrations applied" if applied else f"{side.value}: already current")

    run(main)
