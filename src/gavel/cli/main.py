"""The command line."""

import typer

from gavel import __version__
from gavel.cli.commands import Commands

# Pretty tracebacks would print local variables, settings among them.
app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def gavel() -> None:
    """Gavel, a real-time auction system."""


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)
