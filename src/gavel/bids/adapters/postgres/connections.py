"""Pooled connections to bid_db, each for a few statements, and the secret that all processes share."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from gavel.bids.adapters.postgres.failures import to_caller_error
from gavel.bids.ports.book import Unavailable
from gavel.runtime.postgres.connections import (
    CONNECT_SECONDS_MAX,
    DATABASE_ERRORS,
    leaves_connection_in_doubt,
    load_sql,
)

READ_SECONDS_MAX = 3.0

_READ_PAGE_TOKEN_SECRET = load_sql(__package__, "read_page_token_secret")

_NO_ANSWER = "the database gives no answer"


@asynccontextmanager
async def borrowed(pool: asyncpg.Pool, otherwise: str) -> AsyncGenerator[Any]:
    """Borrow a connection of the pool; terminate it if it failed, or if its user was cancelled in the middle.

    To return such a connection in good order would mean to wait for a server that may be frozen. Raises Unavailable
    with the text `otherwise` if the database gives no answer.
    """
    try:
        async with pool.acquire(timeout=CONNECT_SECONDS_MAX) as connection:
            try:
                yield connection
            except BaseException as error:
                if leaves_connection_in_doubt(error):
                    # If it was lost while its user did something else, the pool has it back already.
                    with suppress(asyncpg.InterfaceError):
                        connection.terminate()
                raise
    except DATABASE_ERRORS as error:
        raise to_caller_error(error, otherwise) from None


@asynccontextmanager
async def reading(pool: asyncpg.Pool) -> AsyncGenerator[Any]:
    """Borrow a connection to read with, for READ_SECONDS_MAX at most. Raises Unavailable."""
    try:
        async with asyncio.timeout(READ_SECONDS_MAX), borrowed(pool, _NO_ANSWER) as lent:
            yield lent
    except TimeoutError as error:
        raise Unavailable(_NO_ANSWER) from error


async def read_page_token_secret(pool: asyncpg.Pool) -> bytes:
    """Read the secret that page tokens are signed with. Raises Unavailable."""
    try:
        return await pool.fetchval(_READ_PAGE_TOKEN_SECRET)
    except DATABASE_ERRORS as error:
        raise Unavailable(_NO_ANSWER) from error
