"""A stats_db that a test takes away and gives back."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

from gavel.runtime.postgres import connections as postgres


@asynccontextmanager
async def taken_away(url: str) -> AsyncGenerator[None]:
    """Within the context the database ends every session and takes no new one."""
    parts = urlsplit(url)
    database = parts.path.removeprefix("/")
    connection = await postgres.connect(urlunsplit(parts._replace(path="/postgres")), "tests")
    try:
        await connection.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
        await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database)
        yield
    finally:
        await connection.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
        await connection.close()
