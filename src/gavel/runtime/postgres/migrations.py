"""Schema migrations: plain SQL files, applied in order, each once, by one process at a time."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from gavel.runtime.postgres.connections import (
    CONNECT_SECONDS_MAX,
    DATABASE_ERRORS,
    READ_ONLY_REMEDY,
    connect,
    reason_of,
)
from gavel.runtime.postgres.grants import grant, load_grants

# A large table takes its time.
MIGRATION_SECONDS_MAX = 3_600.0
# While a schema change waits for a table's lock, later statements queue behind it. So it gives up after this, lets
# them through, and tries again.
LOCK_SECONDS_MAX = 2.0
LOCK_PAUSE_SECONDS = 1.0
# Another process migrates meanwhile.
TURN_PAUSE_SECONDS = 0.25

# Any number does, as long as every version of Gavel uses the same one.
_ADVISORY_LOCK = 7_226_582_171
_FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_CONCURRENT_INDEX = re.compile(r"CREATE INDEX CONCURRENTLY (\w+)")

_log = structlog.get_logger(__name__)


class SchemaMismatch(Exception):
    """The database's schema differs from these migrations: it is newer, or a migration was edited."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration: its number, its file name, and its statements."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Checksum that detects a file that was edited after it was applied."""
        return sha256(self.sql.encode()).hexdigest()

    @property
    def is_concurrent(self) -> bool:
        """Whether it builds indexes while others write, which Postgres does outside of a transaction only."""
        return _CONCURRENT_INDEX.search(self.sql) is not None


def load_migrations(package: str) -> list[Migration]:
    """Load the migrations in a package's folder `migrations`, in order of their numbers."""
    found = [
        Migration(int(match[1]), entry.name, entry.read_text(encoding="utf-8"))
        for entry in (files(package) / "migrations").iterdir()
        if (match := _FILE_NAME.fullmatch(entry.name))
    ]
    return sorted(found, key=lambda migration: migration.version)


async def migrate(connection: asyncpg.Connection, migrations: list[Migration]) -> int:
    """Apply missing migrations; the number applied.

    Under an advisory lock: of two processes that start at once, one migrates; the other waits and finds nothing to do.
    Each migration commits with its record or not at all; one that builds indexes concurrently is begun anew if it was
    interrupted. Raises SchemaMismatch.
    """
    async with _alone(connection):
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        missing = await _missing(connection, migrations)
        for migration in missing:
            await _apply_patiently(connection, migration)
            _log.info("migrated", migration=migration.name)
        return len(missing)


async def _apply_patiently(connection: asyncpg.Connection, migration: Migration) -> None:
    """Apply one while the database is in use, for MIGRATION_SECONDS_MAX at most; then raise the lock error."""
    loop = asyncio.get_running_loop()
    deadline_seconds = loop.time() + MIGRATION_SECONDS_MAX
    while True:
        try:
            await _apply(connection, migration)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            if loop.time() > deadline_seconds:
                raise
            _log.warning("migration_lock_retried", migration=migration.name, error=type(error).__name__)
            await asyncio.sleep(LOCK_PAUSE_SECONDS)
        else:
            return


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    if migration.is_concurrent:
        await _build_indexes(connection, migration)
        await _record(connection, migration)
        return
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = {round(LOCK_SECONDS_MAX * 1_000)}")
        await connection.execute(migration.sql, timeout=MIGRATION_SECONDS_MAX)
        await _record(connection, migration)


async def _build_indexes(connection: asyncpg.Connection, migration: Migration) -> None:
    """Run a concurrent migration, whose statements end at a semicolon and the end of a line.

    If it is interrupted, it begins anew: what it left of an index is no use and is dropped first.
    """
    for statement in migration.sql.strip().removesuffix(";").split(";\n"):
        if built := _CONCURRENT_INDEX.search(statement):
            await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {built[1]}", timeout=MIGRATION_SECONDS_MAX)
        await connection.execute(statement, timeout=MIGRATION_SECONDS_MAX)


async def _record(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
        migration.version,
        migration.name,
        migration.checksum,
    )


@asynccontextmanager
async def _alone(connection: asyncpg.Connection) -> AsyncGenerator[None]:
    """Hold the advisory lock for schema changes; a session may take it twice.

    Asks for it again and again: an index that is built concurrently waits for all statements under way, and would wait
    for one that waits for this lock. Raises TimeoutError after MIGRATION_SECONDS_MAX.
    """
    async with asyncio.timeout(MIGRATION_SECONDS_MAX):
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _ADVISORY_LOCK):  # noqa: ASYNC110 - no signal
            await asyncio.sleep(TURN_PAUSE_SECONDS)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", _ADVISORY_LOCK)


async def migrate_database(url: str, package: str, grant_to: Sequence[str] = ()) -> int:
    """Bring a database to a package's schema, and let roles use it; the number of migrations applied.

    Raises SchemaMismatch, RoleUnfit, or one of DATABASE_ERRORS.
    """
    connection = await connect(url, "gavel-migrate")
    try:
        async with _alone(connection):
            applied = await migrate(connection, load_migrations(package))
            await grant(connection, load_grants(package), grant_to)
        return applied
    finally:
        await connection.close()


async def is_current(connection: asyncpg.Connection | PoolConnectionProxy, migrations: list[Migration]) -> bool:
    """Whether the database has all of these migrations. A newer schema is current too: releases overlap."""
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return False
    rows = await connection.fetch("SELECT version FROM schema_migrations")
    return {migration.version for migration in migrations} <= {row["version"] for row in rows}


async def _missing(connection: asyncpg.Connection, migrations: list[Migration]) -> list[Migration]:
    rows = await connection.fetch("SELECT version, name, checksum FROM schema_migrations")
    applied = {row["version"]: row["checksum"] for row in rows}
    for migration in migrations:
        if applied.get(migration.version, migration.checksum) != migration.checksum:
            raise SchemaMismatch(f"{migration.name} was edited after it was applied: add a new migration instead")
    if unknown := applied.keys() - {migration.version for migration in migrations}:
        raise SchemaMismatch(f"the database has migrations that this version does not know: {sorted(unknown)}")
    return [migration for migration in migrations if migration.version not in applied]


def schema_check(
    pool: asyncpg.Pool, migrations: list[Migration], *, writable: bool = True
) -> Callable[[], Awaitable[str | None]]:
    """Make a readiness check: the database answers, has the schema, and, for a process that writes, is writable."""

    async def check() -> str | None:
        try:
            async with pool.acquire(timeout=CONNECT_SECONDS_MAX) as connection:
                if writable and await connection.fetchval("SHOW transaction_read_only") == "on":
                    # The next check asks a new connection: the name may lead to another server by then.
                    connection.terminate()
                    return READ_ONLY_REMEDY
                current = await is_current(connection, migrations)
        except DATABASE_ERRORS as error:
            return reason_of(error)
        return None if current else "the schema is not current: run gavel migrate"

    return check
