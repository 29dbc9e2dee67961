"""Run a command to its end. If it can't start, print the reason in one message."""

from collections.abc import Callable, Coroutine
from typing import Any

import typer
import uvloop

from gavel.runtime.http.server import AddressInUse
from gavel.runtime.postgres.connections import DATABASE_ERRORS, is_forbidden, reason_of
from gavel.runtime.postgres.data_folder import DataFolderUnusable, FolderInUse
from gavel.runtime.postgres.embedded import EmbeddedPostgresFailed
from gavel.runtime.postgres.grants import RoleUnfit
from gavel.runtime.postgres.migrations import SchemaMismatch
from gavel.runtime.process.settings import SettingsInvalid
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
