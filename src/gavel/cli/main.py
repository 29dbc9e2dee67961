"""The command line, assembled from one module a command group."""

from importlib.metadata import entry_points
from operator import attrgetter

import typer

from gavel import __version__
from gavel.cli import audit, dead_letters, processes, stats
from gavel.cli.command_errors import OneLineErrors
from gavel.cli.migrate import migrate
from gavel.cli.token import token
from gavel.cli.trace import trace

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


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


for command in (
    processes.standalone,
    processes.bid_api,
    processes.bid_worker,
    processes.stats_api,
    processes.stats_worker,
    migrate,
    trace,
    token,
):
    app.command()(command)

for name, group in {"dead-letters": dead_letters.app, "stats": stats.app, "audit": audit.app}.items():
    app.add_typer(group, name=name)

# Development tools add theirs if they are installed, as in a checkout.
for tool in sorted(entry_points(group=COMMANDS_GROUP), key=attrgetter("name")):
    app.command(tool.name)(tool.load())
