"""What all processes of an installation share, from stats_db."""

import asyncpg

from gavel.runtime.postgres.connections import load_sql
from gavel.userstats.adapters.postgres.connections import stats_connection

_READ_PAGE_TOKEN_SECRET = load_sql(__package__, "read_page_token_secret")


async def read_page_token_secret(pool: asyncpg.Pool) -> bytes:
    """The secret that page tokens are signed with. Raises Unavailable."""
    async with stats_connection(pool) as connection:
        return await connection.fetchval(_READ_PAGE_TOKEN_SECRET)
