"""`gavel dead-letters`: list, replay and drop the events that could not be counted."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from rich.table import Table

from gavel.cli.command_errors import run
from gavel.cli.console import open_console
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.process.settings import load_settings
from gavel.userstats.adapters.event_codec import EventBatchReader
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook
from gavel.userstats.adapters.rabbitmq.dead_letters import RabbitMqDeadLetters
from gavel.userstats.settings import DeadLetterSettings
from gavel.userstats.use_cases.replay_dead_letters import replay_dead_letters

LETTERS_MAX = 1_000

app = typer.Typer(no_args_is_help=True, help="List, replay or drop events that could not be counted.")

LetterIds = Annotated[list[str] | None, typer.Argument(help="Ids of dead letters, from the list.")]
EveryLetter = Annotated[bool, typer.Option("--all", help=f"All dead letters, up to {LETTERS_MAX:,} in one run.")]


class NothingNamed(typer.BadParameter):
    """Neither ids nor --all."""


@app.command("list")
def list_letters(limit: Annotated[int, typer.Option(min=1, help="List at most so many.")] = 100) -> None:
    """List the dead letters, oldest first, with the reason of each."""

    async def main() -> None:
        async with _dead_letters(load_settings(DeadLetterSettings)) as letters:
            kept = await letters.list(limit)
        table = Table("id", "died at", "bytes", "reason", box=None)
        for letter in kept:
            died_at = letter.died_at.isoformat(" ", "seconds")
            table.add_row(letter.letter_id, died_at, str(len(letter.body)), letter.reason)
        open_console().print(table if kept else "No dead letters.")

    run(main)


@app.command("replay")
def replay_letters(letter_ids: LetterIds = None, *, every: EveryLetter = False) -> None:
    """Count dead letters again after the cause was fixed. Those that still can't be counted stay."""
    chosen = _chosen(letter_ids, every=every)

    async def main() -> None:
        settings = load_settings(DeadLetterSettings)
        async with (
            _dead_letters(settings) as letters,
            await postgres.open_pool(settings.stats_db_url, "gavel-dead-letters") as pool,
        ):
            reader, book = EventBatchReader(), PostgresStatsBook(pool)
            counted = await replay_dead_letters(letters, reader, book, letter_ids=chosen, letters_max=LETTERS_MAX)
        typer.echo(f"{counted} replayed")

    run(main)


@app.command("drop")
def drop_letters(letter_ids: LetterIds = None, *, every: EveryLetter = False) -> None:
    """Delete dead letters without counting them."""
    chosen = _chosen(letter_ids, every=every)

    async def main() -> None:
        async with _dead_letters(load_settings(DeadLetterSettings)) as letters:
            typer.echo(f"{await letters.drop(chosen, LETTERS_MAX)} dropped")

    run(main)


def _chosen(letter_ids: list[str] | None, *, every: bool) -> list[str] | None:
    """The ids that were given, None for all. Raises NothingNamed, so that nothing is dropped by accident."""
    if not letter_ids and not every:
        raise NothingNamed("name the dead letters by their ids, or use --all")
    return letter_ids or None


@asynccontextmanager
async def _dead_letters(settings: DeadLetterSettings) -> AsyncGenerator[RabbitMqDeadLetters]:
    letters = RabbitMqDeadLetters(str(settings.rabbitmq_url))
    try:
        yield letters
    finally:
        await letters.close()
