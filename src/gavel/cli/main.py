"""The command line: one command a process, and what goes with them."""

import shlex
import sys
from collections.abc import Callable, Coroutine
from enum import StrEnum
from importlib.metadata import entry_points
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
import uvloop

from gavel import __version__
from gavel.cli.command_errors import OneLineErrors
from gavel.runtime.http.server import AddressInUse, address_of, bind, serving, stop_signals
from gavel.runtime.postgres.connections import DATABASE_ERRORS, is_forbidden, reason_of
from gavel.runtime.postgres.data_folder import DataFolderUnusable, FolderInUse, data_folder
from gavel.runtime.postgres.embedded import EmbeddedPostgresFailed
from gavel.runtime.postgres.grants import RoleUnfit
from gavel.runtime.postgres.migrations import SchemaMismatch, migrate_database
from gavel.runtime.process.settings import SettingsInvalid, load_settings
from gavel.runtime.run_process import run_process, settle_memory, warn_of_trust
from gavel.runtime.telemetry.logs import configure_logs
from gavel.userstats.ports import Unavailable as StatsUnavailable

EXIT_CANNOT_START = 2
# The entry points by which another distribution adds commands.
COMMANDS_GROUP = "gavel.commands"

# Pretty tracebacks would print local variables, settings among them.
app = typer.Typer(
    cls=OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Gavel, a real-time auction system.",
)


def _run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a process. If it can't start, print one message and exit with status 2."""
    try:
        uvloop.run(main())
    except (
        SettingsInvalid,
        AddressInUse,
        FolderInUse,
        DataFolderUnusable,
        EmbeddedPostgresFailed,
        SchemaMismatch,
        RoleUnfit,
    ) as error:
        print(f"gavel: {error}", file=sys.stderr)  # noqa: T201 - the one message, before or beside the logs
        raise typer.Exit(EXIT_CANNOT_START) from None
    except (StatsUnavailable, *DATABASE_ERRORS) as error:
        # Without its text: a driver's message may name hosts and users.
        cause = error.__cause__ or error if isinstance(error, StatsUnavailable) else error
        said = f"a server can't be used: {reason_of(cause)}"
        if is_forbidden(error) or is_forbidden(error.__cause__):
            said = "the database lets this role do no such thing: connect as the owner"
        print(f"gavel: {said}", file=sys.stderr)  # noqa: T201
        raise typer.Exit(EXIT_CANNOT_START) from None


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def standalone(
    *,
    sample_auctions: Annotated[bool, typer.Option(help="List some auctions to try it on.")] = False,
) -> None:
    """Run all of Gavel in one process, with a Postgres of its own."""
    from gavel.cli.demo import welcome
    from gavel.standalone import StandaloneSettings, running_standalone

    async def main() -> None:
        settings = load_settings(StandaloneSettings)
        configure_logs(settings.log_level, settings.log_format, settings.secret_names)
        listener = bind(settings.http_host, settings.http_port)
        with stop_signals() as stopping:
            async with (
                running_standalone(settings) as running,
                serving(running.app, listener, running.bids.feed.stop, cors_origins=settings.cors_origins),
            ):
                warn_of_trust(settings, address_of(listener))
                await welcome(running, address_of(listener), settings.house_currency, sample_auctions=sample_auctions)
                settle_memory()
                await stopping.wait()
                typer.echo("\nStopping: finishing what was begun ...")
        typer.echo("Stopped. The data stays.")

    _run(main)


@app.command("bid-api")
def bid_api() -> None:
    """Run the bid API: decides bids, serves items."""
    from gavel.bids.api import open_bid_api_process
    from gavel.bids.settings import BidApiSettings

    async def main() -> None:
        settings = load_settings(BidApiSettings)
        await run_process("bid-api", settings, open_bid_api_process(settings))

    _run(main)


@app.command("bid-worker")
def bid_worker() -> None:
    """Run the bid worker: hands events on to the broker."""
    from gavel.bids.settings import BidWorkerSettings
    from gavel.bids.worker import open_bid_worker

    async def main() -> None:
        settings = load_settings(BidWorkerSettings)
        await run_process("bid-worker", settings, open_bid_worker(settings))

    _run(main)


@app.command("stats-api")
def stats_api() -> None:
    """Run the stats API: serves totals."""
    from gavel.userstats.api import open_stats_api
    from gavel.userstats.settings import StatsApiSettings

    async def main() -> None:
        settings = load_settings(StatsApiSettings)
        await run_process("stats-api", settings, open_stats_api(str(settings.stats_db_url)))

    _run(main)


@app.command("stats-worker")
def stats_worker() -> None:
    """Run the stats worker: counts each event once."""
    from gavel.userstats.settings import StatsWorkerSettings
    from gavel.userstats.worker import open_stats_worker

    async def main() -> None:
        settings = load_settings(StatsWorkerSettings)
        await run_process("stats-worker", settings, open_stats_worker(settings))

    _run(main)


class Side(StrEnum):
    """Which database."""

    BIDS = "bids"
    STATS = "stats"


@app.command("migrate")
def migrate(side: Side) -> None:
    """Bring a database to the current schema, and let the roles of GRANT_TO use it. Safe when several run at once."""
    from gavel.bids.settings import BidMigrationSettings
    from gavel.userstats.settings import StatsMigrationSettings

    async def main() -> None:
        if side is Side.BIDS:
            settings = load_settings(BidMigrationSettings)
            applied = await migrate_database(settings.bid_db_url, "gavel.bids", settings.grant_to)
        else:
            settings = load_settings(StatsMigrationSettings)
            applied = await migrate_database(settings.stats_db_url, "gavel.userstats", settings.grant_to)
        typer.echo(f"{side.value}: {applied} migrations applied" if applied else f"{side.value}: current already")

    _run(main)


dead_letters = typer.Typer(no_args_is_help=True, help="Look after what could not be counted.")
stats = typer.Typer(no_args_is_help=True, help="Look after the totals.")
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(stats, name="stats")
audit = typer.Typer(no_args_is_help=True, help="Look whether the log of all bids is the one that was written.")
app.add_typer(audit, name="audit")


LetterIds = Annotated[list[str] | None, typer.Argument(help="The letters' ids, as the list shows them.")]
EveryLetter = Annotated[bool, typer.Option("--all", help="All of them, 1,000 at most.")]


@dead_letters.command("list")
def list_letters(limit: Annotated[int, typer.Option(min=1)] = 100) -> None:
    """Show the dead letters with the reason of each."""
    from gavel.cli import operations

    _run(lambda: operations.list_letters(limit))


@dead_letters.command("replay")
def replay_letters(letter_ids: LetterIds = None, *, every: EveryLetter = False) -> None:
    """Count letters again, after what was wrong has been mended."""
    from gavel.cli import operations

    _run(lambda: operations.replay_letters(operations.named(letter_ids, every=every)))


@dead_letters.command("drop")
def drop_letters(letter_ids: LetterIds = None, *, every: EveryLetter = False) -> None:
    """Let go of letters, unread."""
    from gavel.cli import operations

    _run(lambda: operations.drop_letters(operations.named(letter_ids, every=every)))


@stats.command("rebuild")
def rebuild_stats() -> None:
    """Count everything again from the log, beside live traffic."""
    from gavel.cli import operations

    _run(operations.rebuild)


@app.command("trace")
def trace(bid_id: Annotated[str, typer.Argument(help="As PlaceBid and GetItemBids tell it.")]) -> None:
    """Tell one bid's way with times, from what is stored."""
    from gavel.cli.trace import trace_bid

    _run(lambda: trace_bid(bid_id))


@audit.command("verify")
def verify_log(
    *,
    item: Annotated[list[str] | None, typer.Option(help="An item's id; repeatable; none: all items.")] = None,
    heads: Annotated[
        Path | None, typer.Option(help="What `gavel audit heads` once printed.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Follow the chain of each item's log; exit status 1 where a row was changed, added or taken out."""
    from gavel.cli.audit import verify

    _run(lambda: verify(item or (), heads))


@audit.command("heads")
def print_heads() -> None:
    """Print what each item's log ends with, to be kept outside the database, where no bidder can read it."""
    from gavel.cli.audit import print_heads

    _run(print_heads)


# Development tools add theirs where they are installed, as in a checkout.
for _command in sorted(entry_points(group=COMMANDS_GROUP), key=attrgetter("name")):
    app.command(_command.name)(_command.load())


@app.command()
def token(
    user: Annotated[str | None, typer.Argument(help="The subject; a new UUID without one.")] = None,
    *,
    role: Annotated[list[str] | None, typer.Option(help="bidder, seller or admin; repeatable; none: a user.")] = None,
    lifetime: Annotated[int, typer.Option(min=1, help="It expires after so many seconds.")] = 3_600,
    settings: Annotated[bool, typer.Option("--settings", help="Print what makes a Gavel believe them.")] = False,
) -> None:
    """Mint a token for development, with a key of this machine: never for production."""
    from gavel.cli.token import KeyUnusable, open_minter

    try:
        minter = open_minter(data_folder())
    except (KeyUnusable, DataFolderUnusable) as error:
        print(f"gavel: {error}", file=sys.stderr)  # noqa: T201 - the one message
        raise typer.Exit(EXIT_CANNOT_START) from None
    if settings:
        typer.echo("\n".join(f"export {name}={shlex.quote(value)}" for name, value in minter.settings.items()))
    else:
        typer.echo(minter.mint(user or str(uuid4()), role, lifetime))
