"""PostgreSQL as every process uses it: statements from files, connections with bounds, one name for its failures."""

from functools import cache
from importlib.resources import files

import asyncpg

# What the driver raises when the database is away, slow, stopping, or says no to a statement. The last is what it
# says when the server ended the session and the socket's end has not been seen yet.
DATABASE_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

CONNECT_SECONDS_MAX = 3.0
STATEMENT_SECONDS_MAX = 10.0
IDLE_IN_TRANSACTION_SECONDS_MAX = 15
POOL_CONNECTIONS_MAX = 8


@cache
def load_sql(package: str, name: str) -> str:
    """The statement in the package's `sql/NAME.sql`. Raises FileNotFoundError at import, not at the first bid."""
    return (files(package) / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def _server_settings(application_name: str) -> dict[str, str]:
    return {
        "application_name": application_name,
        "timezone": "UTC",
        # A client that hangs between two statements must not hold a row lock for ever.
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS_MAX}s",
        # Generic plans: every statement is prepared once and its parameters never change its best plan.
        "plan_cache_mode": "force_generic_plan",
        "jit": "off",
    }


async def connect(url: str, application_name: str) -> asyncpg.Connection:
    """One connection, opened within CONNECT_SECONDS_MAX. Raises one of DATABASE_ERRORS."""
    return await asyncpg.connect(
        url,
        timeout=CONNECT_SECONDS_MAX,
        command_timeout=STATEMENT_SECONDS_MAX,
        server_settings=_server_settings(application_name),
    )


async def open_pool(url: str, application_name: str, connections_max: int = POOL_CONNECTIONS_MAX) -> asyncpg.Pool:
    """A pool that starts empty: it opens while the database is away, and connects when it is asked."""
    pool = asyncpg.create_pool(
        url,
        min_size=0,
        max_size=connections_max,
        timeout=CONNECT_SECONDS_MAX,
        command_timeout=STATEMENT_SECONDS_MAX,
        server_settings=_server_settings(application_name),
    )
    await pool
    return pool
