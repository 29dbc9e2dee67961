"""PostgreSQL connections of every process: statements from files, arrays, pools, one tuple of errors."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.resources import files

import asyncpg
from prometheus_client.core import Metric

from gavel.runtime.telemetry.metrics import Source, gauge

# Errors of the driver when the database is unavailable, slow, stopping, or refuses a statement. The last one comes
# when the server ended the session and the driver has not seen the socket close yet.
DATABASE_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

# SQLSTATE classes: connection exception; operator intervention (the server is stopping or not up yet).
_CONNECTION_CLASSES = ("08", "57P")
_INSUFFICIENT_PRIVILEGE = "42501"
_READ_ONLY = "25006"

_AUTHENTICATION = "authentication failed: correct user and password in the database's URL, or the server's pg_hba.conf"
READ_ONLY_REMEDY = "the database is read-only: name the primary in its URL, or all servers and target_session_attrs"
# Remedy by SQLSTATE. The server's own text is never passed on: it may hold hosts and values.
_REMEDIES = {
    "28P01": _AUTHENTICATION,
    "28000": _AUTHENTICATION,
    "3D000": "there is no database of that name: correct its URL, or create it",
    "53300": "no connection is left for this role: raise max_connections, or the role's limit",
    "57P03": "the server starts or stops: wait",
    _READ_ONLY: READ_ONLY_REMEDY,
    # As PgBouncer refuses the settings of `_server_settings`.
    "08P01": "the server refuses the session's settings, as PgBouncer does: connect to Postgres itself",
    _INSUFFICIENT_PRIVILEGE: "the role lacks a right: grant it by gavel migrate with GRANT_TO, or connect as the owner",
}

CONNECT_SECONDS_MAX = 3.0
STATEMENT_SECONDS_MAX = 10.0
IDLE_IN_TRANSACTION_SECONDS_MAX = 15
POOL_CONNECTIONS_MAX = 8
STREAM_CONNECTIONS_MAX = 2
PARTING_SECONDS_MAX = 0.5


def sqlstate_of(error: BaseException | None) -> str:
    """Return the SQLSTATE of an error, five characters; an empty text if it has none."""
    return (isinstance(error, asyncpg.PostgresError) and error.sqlstate) or ""


def is_forbidden(error: BaseException | None) -> bool:
    """Whether the role lacks the privilege: the server is up, and a retry would fail in the same way."""
    return sqlstate_of(error) == _INSUFFICIENT_PRIVILEGE


def reason_of(error: BaseException) -> str:
    """Return why the database can't be used, and the remedy if one is known."""
    return _REMEDIES.get(sqlstate_of(error), f"no answer ({type(error).__name__})")


def connection_was_lost(error: BaseException | None) -> bool:
    """Whether the connection was lost, rather than slow, or a statement refused.

    One to a server that has become read-only, as after a failover, is lost too: only another leads to the primary.
    """
    if isinstance(error, asyncpg.PostgresError):
        return sqlstate_of(error).startswith((*_CONNECTION_CLASSES, _READ_ONLY))
    return isinstance(error, DATABASE_ERRORS) and not isinstance(error, TimeoutError)


def leaves_connection_in_doubt(error: BaseException | None) -> bool:
    """Whether the connection can't be used after this error: its answer never came, or was not awaited."""
    if isinstance(error, asyncpg.PostgresError):
        return connection_was_lost(error)
    return isinstance(error, DATABASE_ERRORS) or not isinstance(error, Exception)


@cache
def load_sql(package: str, name: str) -> str:
    """Load the package's `sql/NAME.sql`. Call it at import, to find a missing file at start."""
    return (files(package) / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def array(values: Iterable[object]) -> str:
    """Format ids, numbers and times as a Postgres array; None is null. Never for texts, which would need quoting.

    The driver's own arrays cost several times as much for each element.
    """
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


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
    """Open one connection, within CONNECT_SECONDS_MAX. Raises one of DATABASE_ERRORS."""
    return await asyncpg.connect(
        url,
        timeout=CONNECT_SECONDS_MAX,
        command_timeout=STATEMENT_SECONDS_MAX,
        server_settings=_server_settings(application_name),
    )


class _PooledConnection(asyncpg.Connection):
    """A connection whose close is bounded and never raises, so that no stop waits for a server."""

    __slots__ = ()

    async def close(self, *, timeout: float | None = None) -> None:
        """See asyncpg.Connection.close, which aborts the connection if it raises."""
        with suppress(*DATABASE_ERRORS):
            await super().close(timeout=PARTING_SECONDS_MAX if timeout is None else timeout)


async def open_pool(url: str, application_name: str, connections_max: int = POOL_CONNECTIONS_MAX) -> asyncpg.Pool:
    """Open a pool that connects on first use, so that it opens while the database is unavailable."""
    return await _open(url, connections_max, _server_settings(application_name), reset=None)


async def open_stream_pool(url: str, application_name: str, *, wait_for_flush: bool = True) -> asyncpg.Pool:
    """Open a pool for one loop of successive transactions: its sessions are not reset in between.

    Users must leave no session state behind. Without `wait_for_flush` a crash of the server may undo a COMMIT, as if
    it had never been sent: only for work that is then done again.
    """

    async def keep(_: asyncpg.Connection) -> None:
        """Skip the reset, which takes a round trip."""

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
    """Metrics source of pools, by their names."""

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
