"""What all processes of an installation share, from bid_db."""

import asyncpg

from gavel.bids.ports.book import Unavailable
from gavel.runtime.postgres.connections import DATABASE_ERRORS, load_sql

_READ_PAGE_TOKEN_SECRET = load_sql(__package__, "read_page_token_secret")


async def read_page_token_secret(pool: asyncpg.Pool) -> bytes:
    """The secret that page tokens are signed with. Raises Unavailable."""
    try:
        return await pool.fetchval(_READ_PAGE_TOKEN_SECRET)
    except DATABASE_ERRORS as error:
        raise Unavailable("the database gives no answer") from error
