"""Composition root of the stats API."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gavel.runtime import postgres
from gavel.runtime.health import Check
from gavel.runtime.migrations import load_migrations, schema_check
from gavel.runtime.page_tokens import PageTokens
from gavel.runtime.serve import Asgi
from gavel.userstats.adapters.connect_api import StatsApi, stats_service_app
from gavel.userstats.adapters.postgres_installation import read_page_token_secret
from gavel.userstats.adapters.postgres_stats_book import PostgresStatsBook

SERVICE_PATH = "/userstats.v1.UserStatsService/"


@dataclass(frozen=True, slots=True)
class OpenStatsApi:
    """The application to serve, and what must hold for it to be ready."""

    app: Asgi
    checks: Mapping[str, Check]


@asynccontextmanager
async def open_stats_api(stats_db_url: str) -> AsyncGenerator[OpenStatsApi]:
    """Build the API on a database that may still be away."""
    async with await postgres.open_pool(stats_db_url, "gavel-stats-api") as pool:
        api = StatsApi(PostgresStatsBook(pool), PageTokens(lambda: read_page_token_secret(pool)))
        checks = {"stats_db": schema_check(pool, load_migrations("gavel.userstats"))}
        yield OpenStatsApi(stats_service_app(api), checks)
