"""Composition root of the stats API."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from gavel.runtime.http.connect.page_tokens import PageTokens
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.migrations import load_migrations, schema_check
from gavel.runtime.run_process import Parts
from gavel.userstats.adapters.connect.service import StatsApi, stats_service
from gavel.userstats.adapters.postgres.connections import read_page_token_secret
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook


@asynccontextmanager
async def open_stats_api(stats_db_url: str) -> AsyncGenerator[Parts]:
    """Build the API on a database that may still be unavailable."""
    async with await postgres.open_pool(stats_db_url, "gavel-stats-api") as pool:
        api = StatsApi(PostgresStatsBook(pool), PageTokens(lambda: read_page_token_secret(pool)))
        checks = {"stats_db": schema_check(pool, load_migrations("gavel.userstats"), writable=False)}
        service = stats_service(api)
        metrics = [service.metrics.read, postgres.pool_source({"stats-api": pool})]
        yield Parts(checks, service.routes, metrics=metrics)
