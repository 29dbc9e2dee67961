"""Command-line errors, each as one line: which command, what is wrong, and where its help is."""

import re
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import typer
import uvloop
from typer.core import TyperGroup

from gavel.runtime.http.server import AddressInUse
from gavel.runtime.postgres.connections import DATABASE_ERRORS, is_forbidden, reason_of
from gavel.runtime.postgres.data_folder import DataFolderUnusable, FolderInUse
from gavel.runtime.postgres.embedded import EmbeddedPostgresFailed
from gavel.runtime.postgres.grants import RoleUnfit
from gavel.runtime.postgres.migrations import SchemaMismatch
from gavel.runtime.process.settings import SettingsInvalid
from gavel.runtime.process.standard_streams import open_standard_streams
from gavel.userstats.ports import Unavailable as StatsUnavailable

EXIT_CANNOT_START = 2

# Their text says what to do.
_START_ERRORS = (
    SettingsInvalid,
    AddressInUse,
    FolderInUse,
    DataFolderUnusable,
    EmbeddedPostgresFailed,
    SchemaMismatch,
    RoleUnfit,
)


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a command to its end. If it can't start, print one message and exit with status EXIT_CANNOT_START."""
    try:
        uvloop.run(main())
    except _START_ERRORS as error:
        raise refused(str(error)) from None
    except (StatsUnavailable, *DATABASE_ERRORS) as error:
        raise refused(_server_problem(error)) from None


def refused(message: str) -> typer.Exit:
    """Print why a command can't run; returns the exit to raise."""
    typer.echo(f"gavel: {message}", err=True)
    return typer.Exit(EXIT_CANNOT_START)


def _server_problem(error: Exception) -> str:
    if is_forbidden(error) or is_forbidden(error.__cause__):
        return "the database denies this role permission: connect as the owner of the schema"
    # Without the driver's own text, which may name hosts and users.
    cause = error.__cause__ or error if isinstance(error, StatsUnavailable) else error
    return f"a server is unavailable: {reason_of(cause)} (check BID_DB_URL, STATS_DB_URL and RABBITMQ_URL)"


class OneLineErrors(TyperGroup):
    """A group of commands that prints a usage error as one line: no box, and no word split to fit into it."""

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


def _line(error: typer.TyperException) -> str:
    text = re.sub(r"\s*\n\s*", " ", error.format_message()).strip()
    context: typer.Context | None = getattr(error, "ctx", None)
    if not text or context is None:
        return text and f"gavel: {text}"
    return f"{context.command_path}: {text} (see {context.command_path} --help)"
