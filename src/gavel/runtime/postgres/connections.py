"""PostgreSQL as every process uses it: statements from files, connections with bounds, one name for its failures."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.resources import files

import asyncpg
from prometheus_client.core import Metric

from gavel.runtime.telemetry.metrics import Source, gauge

# What the driver raises when the database is away, slow, stopping, or says no to a statement. The last is what it
# says when the server ended the session and the socket's end has not been seen yet.
DATABASE_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

# SQLSTATE classes: connection exception; operator intervention, which is a server that stops or is not up yet.
_CONNECTION_CLASSES = ("08", "57P")
_INSUFFICIENT_PRIVILEGE = "42501"

_AUTHENTICATION = "authentication failed: mend user and password in the database's URL, or the server's pg_hba.conf"
# What to do about an error, by its SQLSTATE. The server's own text is never passed on: it may hold hosts and values.
_REMEDIES = {
    "28P01": _AUTHENTICATION,
    "28000": _AUTHENTICATION,
    "3D000": "there is no database of that name: mend its URL, or create it",
    "53300": "no connection is left for this role: raise max_connections, or the role's limit",
    "57P03": "the server starts or stops: wait",
    "25006": "the database is read-only: name the primary in its URL",
    _INSUFFICIENT_PRIVILEGE: "the role lacks a right: run gavel migrate with GRANT_TO as the owner",
}

CONNECT_SECONDS_MAX = 3.0
STATEMENT_SECONDS_MAX = 10.0
IDLE_IN_TRANSACTION_SECONDS_MAX = 15
POOL_CONNECTIONS_MAX = 8
STREAM_CONNECTIONS_MAX = 2
PARTING_SECONDS_MAX = 0.5


def sqlstate_of(error: BaseException | None) -> str:
    """What the server says it is, as a code of five characters; an empty text where it said nothing."""
    return (isinstance(error, asyncpg.PostgresError) and error.sqlstate) or ""


def is_forbidden(error: BaseException | None) -> bool:
    """Whether the server lets the role that asked do no such thing: it answers, and would answer the same again."""
    return sqlstate_of(error) == _INSUFFICIENT_PRIVILEGE


def reason_of(error: BaseException) -> str:
    """Return why the database can't be used, and what to do about it where that is known."""
    return _REMEDIES.get(sqlstate_of(error), f"no answer ({type(error).__name__})")


def connection_was_lost(error: BaseException | None) -> bool:
    """Whether the connection was gone, rather than slow or refused a statement."""
    if isinstance(error, asyncpg.PostgresError):
        return sqlstate_of(error).startswith(_CONNECTION_CLASSES)
    return isinstance(error, DATABASE_ERRORS) and not isinstance(error, TimeoutError)


def leaves_connection_in_doubt(error: BaseException | None) -> bool:
    """Whether the connection can't be used after this: its answer never came, or was not waited for."""
    if isinstance(error, asyncpg.PostgresError):
        return connection_was_lost(error)
    return isinstance(error, DATABASE_ERRORS) or not isinstance(error, Exception)


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


class _PooledConnection(asyncpg.Connection):
    """A connection that parts from its server in good order, or else without a word: no stop waits for a server."""

    __slots__ = ()

    async def close(self, *, timeout: float | None = None) -> None:
        """See asyncpg.Connection.close, which cuts the connection off where it raises."""
        with suppress(*DATABASE_ERRORS):
            await super().close(timeout=PARTING_SECONDS_MAX if timeout is None else timeout)


async def open_pool(url: str, application_name: str, connections_max: int = POOL_CONNECTIONS_MAX) -> asyncpg.Pool:
    """A pool that starts empty: it opens while the database is away, and connects when it is asked."""
    return await _open(url, connections_max, _server_settings(application_name), reset=None)


async def open_stream_pool(url: str, application_name: str, *, wait_for_flush: bool = True) -> asyncpg.Pool:
    """A pool for one loop that runs transaction after transaction: its sessions are not reset in between.

    Whoever uses it leaves nothing behind in the session but closed transactions. Without `wait_for_flush` a COMMIT
    may be undone by a crash of the server, as if it had never been sent: only for what is done again then.
    """

    async def keep(_: asyncpg.Connection) -> None:
        """A reset takes a round trip of its own."""

    settings = _server_settings(application_name)
    if not wait_for_flush:
        settings["synchronous_commit"] = "off"
    return await _open(url, STREAM_CONNECTIONS_MAX, settings, reset=keep)


async def _open(
    url: str,
    connections_max: int,
    settings: dict[str, str],
    reset: Callable[[asyncpg.Connection], Awaitable[None]] | None,
) -> asyncpg.Pool:
    pool = asyncpg.create_pool(
        url,
        min_size=0,
        max_size=connections_max,
        timeout=CONNECT_SECONDS_MAX,
        command_timeout=STATEMENT_SECONDS_MAX,
        server_settings=settings,
        connection_class=_PooledConnection,
        reset=reset,
    )
    await pool
    return pool


def pool_source(pools: Mapping[str, asyncpg.Pool]) -> Source:
    """Metrics of pools, by their names."""

    async def read() -> Sequence[Metric]:
        idle = {name: pool.get_idle_size() for name, pool in pools.items()}
        connections = {(name, "idle"): float(count) for name, count in idle.items()} | {
            (name, "used"): float(pool.get_size() - idle[name]) for name, pool in pools.items()
        }
        maxima = {(name,): float(pool.get_max_size()) for name, pool in pools.items()}
        return [
            gauge("gavel_postgres_connections", "Open connections of a pool.", ("pool", "state"), connections),
            gauge("gavel_postgres_connections_max", "How many connections a pool may open.", ("pool",), maxima),
        ]

    return read
