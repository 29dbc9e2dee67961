"""The group of all commands: each is imported when it is asked for, and a usage error is one line."""

import re
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from operator import attrgetter
from typing import Any

import typer
from typer.core import TyperGroup

from gavel.runtime.process.standard_streams import open_standard_streams

# Where each is: a function, or a group of commands. No process pays for the modules of another.
COMMANDS = {
    "standalone": "gavel.cli.processes:standalone",
    "bid-api": "gavel.cli.processes:bid_api",
    "bid-worker": "gavel.cli.processes:bid_worker",
    "stats-api": "gavel.cli.processes:stats_api",
    "stats-worker": "gavel.cli.processes:stats_worker",
    "migrate": "gavel.cli.migrate:migrate",
    "trace": "gavel.cli.trace:trace",
    "token": "gavel.cli.token:token",
    "dead-letters": "gavel.cli.dead_letters:app",
    "stats": "gavel.cli.stats:app",
    "audit": "gavel.cli.audit:app",
}
# The entry points by which another distribution adds commands: development tools, in a checkout.
COMMANDS_GROUP = "gavel.commands"


class Commands(TyperGroup):
    """All commands. A usage error is printed as one line: no box, and no word split to fit into it."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command, and exit with its status. See TyperGroup.main."""
        open_standard_streams()
        try:
            status = super().main(*args, **extra | {"standalone_mode": False})
        except typer.TyperException as error:
            # The help that is printed for a missing command leaves no text.
            if line := _line(error):
                typer.echo(line, err=True)
            sys.exit(error.exit_code)
        except typer.Abort:
            typer.echo("gavel: aborted", err=True)
            sys.exit(1)
        sys.exit(status)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command; all of them for a name that is none, so that similar names are known."""
        if cmd_name in COMMANDS:
            self._add(cmd_name, EntryPoint(cmd_name, COMMANDS[cmd_name], COMMANDS_GROUP).load())
        elif cmd_name not in self.commands:
            self.list_commands(ctx)
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """Import all commands, and return their names in the order of the help."""
        ours = [EntryPoint(name, place, COMMANDS_GROUP) for name, place in COMMANDS.items()]
        tools = sorted(entry_points(group=COMMANDS_GROUP), key=attrgetter("name"))
        for command in (*ours, *tools):
            self._add(command.name, command.load())
        return super().list_commands(ctx)

    def _add(self, name: str, found: typer.Typer | Callable[..., Any]) -> None:
        if name in self.commands:
            return
        alone = typer.Typer()
        if isinstance(found, typer.Typer):
            alone.add_typer(found, name=name)
        else:
            alone.command(name)(found)
        self.commands.update(typer.main.get_group(alone).commands)


def _line(error: typer.TyperException) -> str:
    text = re.sub(r"\s*\n\s*", " ", error.format_message()).strip()
    context: typer.Context | None = getattr(error, "ctx", None)
    if not text or context is None:
        return text and f"gavel: {text}"
    return f"{context.command_path}: {text} (see {context.command_path} --help)"
