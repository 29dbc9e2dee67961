"""Operators' commands: dead letters, and rebuilding the totals from the log."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import typer
from rich.table import Table

from gavel.bids.adapters.postgres.feed.event_log import read_event_log
from gavel.bids.settings import BidDatabaseSettings
from gavel.cli.console import open_console
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.process.settings import load_settings
from gavel.userstats.adapters.event_codec import EventBatchReader
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook
from gavel.userstats.adapters.rabbitmq.dead_letters import RabbitMqDeadLetters
from gavel.userstats.settings import DeadLetterSettings, StatsDatabaseSettings
from gavel.userstats.use_cases.rebuild_stats import rebuild_stats
from gavel.userstats.use_cases.replay_dead_letters import replay_dead_letters

LETTERS_MAX = 1_000


class NothingNamed(typer.BadParameter):
    """Neither letters nor --all."""


async def list_letters(limit: int) -> None:
    """Print the dead letters, the longest kept first."""
    async with _dead_letters(load_settings(DeadLetterSettings)) as letters:
        kept = await letters.list(limit)
    table = Table("id", "died at", "bytes", "reason", box=None)
    for letter in kept:
        table.add_row(letter.letter_id, letter.died_at.isoformat(" ", "seconds"), str(len(letter.body)), letter.reason)
    open_console().print(table if kept else "No dead letters.")


async def replay_letters(letter_ids: list[str] | None) -> None:
    """Count the letters again, after what was wrong has been mended; those that can't be counted stay."""
    settings = load_settings(DeadLetterSettings)
    async with (
        _dead_letters(settings) as letters,
        await postgres.open_pool(settings.stats_db_url, "gavel-dead-letters") as pool,
    ):
        reader, book = EventBatchReader(), PostgresStatsBook(pool)
        counted = await replay_dead_letters(letters, reader, book, letter_ids=letter_ids, letters_max=LETTERS_MAX)
    typer.echo(f"{counted} counted and let go of")


async def drop_letters(letter_ids: list[str] | None) -> None:
    """Let go of letters, unread."""
    async with _dead_letters(load_settings(DeadLetterSettings)) as letters:
        typer.echo(f"{await letters.drop(letter_ids, LETTERS_MAX)} dropped")


async def rebuild() -> None:
    """Rebuild the totals from bid_db's log, beside live traffic; the new totals replace the old ones at one moment."""
    bids, stats = load_settings(BidDatabaseSettings), load_settings(StatsDatabaseSettings)
    connection = await postgres.connect(bids.bid_db_url, "gavel-rebuild")
    try:
        async with (
            await postgres.open_pool(stats.stats_db_url, "gavel-rebuild") as pool,
            aclosing(read_event_log(connection)) as log,
        ):
            counted = await rebuild_stats(PostgresStatsBook(pool), EventBatchReader(), log)
    finally:
        await connection.close()
    typer.echo(f"{counted} events counted from the log")


def named(letter_ids: list[str] | None, *, every: bool) -> list[str] | None:
    """The letters that are meant, None for all. Raises NothingNamed, so that nothing is dropped by a slip."""
    if not letter_ids and not every:
        raise NothingNamed("name the letters by their ids, or say --all")
    return letter_ids or None


@asynccontextmanager
async def _dead_letters(settings: DeadLetterSettings) -> AsyncGenerator[RabbitMqDeadLetters]:
    letters = RabbitMqDeadLetters(str(settings.rabbitmq_url))
    try:
        yield letters
    finally:
        await letters.close()
