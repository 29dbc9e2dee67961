"""Command-line errors, each as one line: which command, what is wrong, and where its help is."""

import re
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from gavel.runtime.process.standard_streams import open_standard_streams


class OneLineErrors(TyperGroup):
    """A group of commands that prints a usage error as one line: no box, and no word that is split to fit into it."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command, and exit with its status. See TyperGroup.main."""
        open_standard_streams()
        try:
            status = super().main(*args, **extra | {"standalone_mode": False})
        except typer.TyperException as error:
            # The help that stands in for a missing command has been printed already, and leaves no text.
            if line := _line(error):
                typer.echo(line, err=True)
            sys.exit(error.exit_code)
        except typer.Abort:
            typer.echo("gavel: aborted", err=True)
            sys.exit(1)
        sys.exit(status)


def _line(error: typer.TyperException) -> str:
    text = re.sub(r"\s*\n\s*", " ", error.format_message()).strip()
    context: typer.Context | None = getattr(error, "ctx", None)
    if not text or context is None:
        return text and f"gavel: {text}"
    return f"{context.command_path}: {text} (see {context.command_path} --help)"
