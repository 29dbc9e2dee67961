"""How stats_db answers, or doesn't, in the words of the ports."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from gavel.runtime.postgres import DATABASE_ERRORS
from gavel.userstats.ports import NotCountable, Unavailable

ACQUIRE_SECONDS_MAX = 3.0

# What blames a statement's own data, so that trying it again as it is can't help.
_CONTENT_ERRORS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)


@asynccontextmanager
async def stats_connection(pool: asyncpg.Pool) -> AsyncGenerator[Any]:
    """A connection of the pool. Raises NotCountable or Unavailable for what goes wrong on it, or on the way to it."""
    try:
        async with pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
            yield connection
    except _CONTENT_ERRORS as error:
        raise NotCountable(f"the database refuses it: {error}") from error
    except DATABASE_ERRORS as error:
        raise Unavailable(f"stats_db gives no answer ({type(error).__name__})") from error
