"""A database of each side with a role that was granted what its service needs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import asyncpg

from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.connections import load_sql
from gavel.runtime.postgres.migrations import migrate_database
from tests.servers.postgres import PostgresServer, url_as

# Statements that can't be explained: LOCK, SET, TRUNCATE and blocks.
_EXPLAINED = ("WITH", "SELECT", "INSERT", "UPDATE", "DELETE")


@asynccontextmanager
async def granted(server: PostgresServer, package: str, template: str, name: str) -> AsyncGenerator[tuple[str, str]]:
    """The URL of a new database for its owner, and for a role that `gavel migrate` has granted what it needs.

    The role is named as no migration names it, with what has to be quoted.
    """
    async with server.role(name) as role, server.database(f"{name}_db", template) as url:
        await migrate_database(url, package, [role])
        yield url, url_as(url, role)


def statements(package: str) -> list[tuple[str, str]]:
    """Package and name of every statement in a package and those below it that can be explained."""
    root = Path(str(files(package)))
    found = [
        (".".join([package, *path.parent.parent.relative_to(root).parts]), path.stem)
        for path in sorted(root.rglob("sql/*.sql"))
    ]
    return [(owner, name) for owner, name in found if _verb(load_sql(owner, name)) in _EXPLAINED]


async def explain(url: str, package: str, name: str) -> None:
    """Let a role plan a statement with any parameters. Raises what it would raise if it were run without the right."""
    connection = await postgres.connect(url, "tests")
    try:
        await connection.execute(f"PREPARE planned AS {load_sql(package, name)}")
        parameters = await connection.fetchval(
            "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'planned'"
        )
        nulls = f"({', '.join(['NULL'] * parameters)})" if parameters else ""
        await connection.execute(f"EXPLAIN EXECUTE planned{nulls}")
    finally:
        await connection.close()


async def sqlstate(url: str, statement: str) -> str:
    """What a role is told by the server when it runs a statement; an empty text where it is allowed."""
    connection = await postgres.connect(url, "tests")
    try:
        await connection.execute(statement)
    except asyncpg.PostgresError as error:
        return postgres.sqlstate_of(error)
    finally:
        await connection.close()
    return ""


def _verb(sql: str) -> str:
    """The first word of a statement, without the comments before it."""
    code = [line for line in sql.splitlines() if line and not line.startswith("--")]
    return code[0].split()[0]
