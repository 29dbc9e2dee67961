"""Composition root of the stats API."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from gavel.contracts.userstats.v1.user_stats_service_connect import UserStatsService
from gavel.runtime.http.instrumentation import RpcMetrics, instrumented
from gavel.runtime.http.page_tokens import PageTokens
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.migrations import load_migrations, schema_check
from gavel.runtime.run_process import Parts
from gavel.userstats.adapters.connect.service import CALL_RULES, StatsApi, stats_service_app
from gavel.userstats.adapters.postgres.connections import read_page_token_secret
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook

SERVICE_PATH = "/userstats.v1.UserStatsService/"


@asynccontextmanager
async def open_stats_api(stats_db_url: str) -> AsyncGenerator[Parts]:
    """Build the API on a database that may still be unavailable."""
    async with await postgres.open_pool(stats_db_url, "gavel-stats-api") as pool:
        api = StatsApi(PostgresStatsBook(pool), PageTokens(lambda: read_page_token_secret(pool)))
        checks = {"stats_db": schema_check(pool, load_migrations("gavel.userstats"))}
        calls = RpcMetrics(UserStatsService.desc().type_name)
        app = instrumented(stats_service_app(api), UserStatsService.desc(), calls)
        metrics = [calls.read, postgres.pool_source({"stats-api": pool})]
        yield Parts(checks, app, metrics=metrics, rules=CALL_RULES)
