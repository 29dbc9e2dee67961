"""Pooled connections to stats_db, with errors mapped to those of the ports, and the secret of page tokens."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from gavel.runtime.postgres.connections import DATABASE_ERRORS, leaves_connection_in_doubt, load_sql, reason_of
from gavel.userstats.ports import NotCountable, Unavailable

ACQUIRE_SECONDS_MAX = 3.0

_READ_PAGE_TOKEN_SECRET = load_sql(__package__, "read_page_token_secret")

# Errors caused by a statement's own data: a retry can't help.
_CONTENT_ERRORS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)


@asynccontextmanager
async def stats_connection(pool: asyncpg.Pool) -> AsyncGenerator[Any]:
    """A connection of the pool. Maps errors on it, or in acquiring it, to NotCountable or Unavailable.

    One that failed, or whose user was cancelled during a statement, is discarded: resetting it would mean
    waiting for a server that may be frozen.
    """
    try:
        async with pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
            try:
                yield connection
            except BaseException as error:
                if leaves_connection_in_doubt(error):
                    with suppress(asyncpg.InterfaceError):
                        connection.terminate()
                raise
    except _CONTENT_ERRORS as error:
        raise NotCountable(f"the database refuses it: {error}") from error
    except DATABASE_ERRORS as error:
        raise Unavailable(f"stats_db: {reason_of(error)}") from error


@asynccontextmanager
async def stats_transaction(pool: asyncpg.Pool) -> AsyncGenerator[Any]:
    """A connection in a transaction that is committed on exit, or rolled back on an exception.

    Unlike the driver's own, it sends no ROLLBACK to a server that gives no answer: the session's end rolls back.
    """
    async with stats_connection(pool) as connection:
        await connection.execute("BEGIN")
        try:
            yield connection
        except BaseException as error:
            if not leaves_connection_in_doubt(error):
                await connection.execute("ROLLBACK")
            raise
        await connection.execute("COMMIT")


async def read_page_token_secret(pool: asyncpg.Pool) -> bytes:
    """The secret that page tokens are signed with. Raises Unavailable."""
    async with stats_connection(pool) as connection:
        return await connection.fetchval(_READ_PAGE_TOKEN_SECRET)
