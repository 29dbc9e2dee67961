"""The command line: one command a process, and what goes with them."""

import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer
import uvloop

from gavel import __version__
from gavel.bidders.command import bidders
from gavel.runtime.embedded_postgres import EmbeddedPostgresFailed, FolderInUse
from gavel.runtime.logs import configure_logs
from gavel.runtime.migrations import SchemaMismatch
from gavel.runtime.serve import AddressInUse, address_of, bind, serving, stop_signals
from gavel.runtime.settings import SettingsInvalid, load_settings

EXIT_CANNOT_START = 2

# Pretty tracebacks would print local variables, settings among them.
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Gavel, a real-time auction system.",
)


def _run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a process. What keeps it from starting is told in one message, with exit status 2."""
    try:
        uvloop.run(main())
    except (SettingsInvalid, AddressInUse, FolderInUse, EmbeddedPostgresFailed, SchemaMismatch) as error:
        print(f"gavel: {error}", file=sys.stderr)  # noqa: T201 - the one message, before or beside the logs
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
    from gavel.demo import welcome
    from gavel.standalone import StandaloneSettings, running_standalone

    async def main() -> None:
        settings = load_settings(StandaloneSettings)
        configure_logs(settings.log_level, settings.log_format)
        listener = bind(settings.http_host, settings.http_port)
        with stop_signals() as stopping:
            async with running_standalone(settings) as running, serving(running.app, listener):
                await welcome(
                    running.bids, address_of(listener), settings.house_currency, sample_auctions=sample_auctions
                )
                await stopping.wait()
                typer.echo("\nStopping: finishing what was begun ...")
        typer.echo("Stopped. The data stays.")

    _run(main)


app.command("bidders")(bidders)


@app.command()
def bench(
    *,
    seconds: Annotated[int, typer.Option(min=1, help="How long each load runs.")] = 5,
    rounds: Annotated[int, typer.Option(min=1, help="How often each case is measured; the median counts.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="One short round: a look, not a measurement.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="A case to measure; may be given several times.")] = None,
) -> None:
    """Measure Gavel beside a naive baseline on this machine."""
    from gavel.bench import BenchOptions, run_bench

    raise typer.Exit(run_bench(BenchOptions(seconds=seconds, rounds=rounds, quick=quick, only=only or ())))
