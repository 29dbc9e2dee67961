"""Postgres for the tests."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from gavel.runtime.postgres.embedded import embedded_postgres
from tests.servers.containers import POSTGRES_IMAGE, host_of, postgres_container, why_no_container
from tests.servers.summary import summary
from tests.servers.worker import own_name

# A superuser's URL of a server that tests may make databases on.
URL_VARIABLE = "GAVEL_TEST_POSTGRES_URL"
ROLE_PASSWORD = "for-tests-only"


class PostgresServer:
    """A server, by the URL of one of its databases. Names of databases and roles are those of this worker."""

    def __init__(self, url: str) -> None:
        self._url = url

    def url(self, database: str) -> str:
        """The URL of a database of this worker."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{own_name(database)}"))

    async def create_database(self, name: str, template: str | None = None) -> None:
        """Make a database, empty or from a template, replacing one of that name."""
        source = "template0" if template is None else own_name(template)
        await self._run(f'DROP DATABASE IF EXISTS "{own_name(name)}" WITH (FORCE)')
        await self._run(f'CREATE DATABASE "{own_name(name)}" TEMPLATE "{source}"')

    @asynccontextmanager
    async def database(self, name: str, template: str | None = None) -> AsyncGenerator[str]:
        """A database, empty or from a template, dropped afterwards; its URL."""
        await self.create_database(name, template)
        try:
            yield self.url(name)
        finally:
            await self._run(f'DROP DATABASE "{own_name(name)}" WITH (FORCE)')

    @asynccontextmanager
    async def role(self, name: str) -> AsyncGenerator[str]:
        """A role that may log in and nothing else; its name. Dropped afterwards, so its databases must go first."""
        role = own_name(name)
        await self._run(f'DROP ROLE IF EXISTS "{role}"')
        await self._run(f"CREATE ROLE \"{role}\" LOGIN PASSWORD '{ROLE_PASSWORD}'")
        try:
            yield role
        finally:
            await self._run(f'DROP ROLE "{role}"')

    async def _run(self, statement: str) -> None:
        # With more patience than Gavel has: dropping a database waits for a checkpoint.
        connection = await asyncpg.connect(self._url, timeout=60, command_timeout=120)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def url_as(url: str, role: str) -> str:
    """The URL of the same database for a role that a test made."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{ROLE_PASSWORD}@{host}"))


@asynccontextmanager
async def running_postgres(folder: Path) -> AsyncGenerator[PostgresServer]:
    """A server from the environment, a container, or the wheel."""
    if url := os.environ.get(URL_VARIABLE):
        summary.came_from("Postgres", URL_VARIABLE)
        yield PostgresServer(url)
    elif (reason := why_no_container(POSTGRES_IMAGE)) is None:
        summary.came_from("Postgres", f"a container of {POSTGRES_IMAGE}", container=True)
        container = postgres_container()
        try:
            await asyncio.to_thread(container.start)
            yield PostgresServer(container.get_connection_url(host_of(container)))
        finally:
            await asyncio.to_thread(container.stop)
    else:
        summary.came_from("Postgres", f"the wheel ({reason})")
        async with embedded_postgres(folder) as server:
            yield PostgresServer(server.url("postgres"))
