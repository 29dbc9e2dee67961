"""The table in stats_db keeps the promises of a place for dead letters, and one of its own."""

import asyncpg
import pytest

from gavel.runtime.postgres import connections as postgres
from gavel.userstats.adapters.postgres.dead_letters import REPLAY_PAGE_LETTERS, PostgresDeadLetters
from gavel.userstats.ports import DeadLetter, Unavailable
from tests.suites.dead_letters_suite import DeadLettersSuite

pytestmark = pytest.mark.integration


class TestPostgresDeadLetters(DeadLettersSuite):
    """The suite on a real table."""

    @pytest.fixture
    async def dead_letters(self, stats_pool: asyncpg.Pool) -> PostgresDeadLetters:
        return PostgresDeadLetters(stats_pool)


async def test_a_letter_put_twice_is_kept_once_with_its_first_reason(stats_pool: asyncpg.Pool) -> None:
    dead_letters = PostgresDeadLetters(stats_pool)
    await dead_letters.put([DeadLetter(b"same", "first")])
    await dead_letters.put([DeadLetter(b"same", "second"), DeadLetter(b"same", "third")])
    assert [(letter.body, letter.reason) for letter in await dead_letters.list(10)] == [(b"same", "first")]


async def test_a_replay_goes_through_more_letters_than_a_page_holds(stats_pool: asyncpg.Pool) -> None:
    dead_letters = PostgresDeadLetters(stats_pool)
    count = 2 * REPLAY_PAGE_LETTERS + 1
    await dead_letters.put([DeadLetter(str(number).encode(), "bad") for number in range(count)])

    async def deliver(body: bytes) -> bool:
        return int(body) % 2 == 0

    assert await dead_letters.replay(deliver, None, 10 * count) == REPLAY_PAGE_LETTERS + 1
    assert {int(letter.body) % 2 for letter in await dead_letters.list(10 * count)} == {1}


async def test_a_database_that_is_away_is_unavailable() -> None:
    async with await postgres.open_pool("postgresql://gavel@127.0.0.1:1/stats_db", "tests") as pool:
        with pytest.raises(Unavailable, match="stats_db: no answer"):
            await PostgresDeadLetters(pool).list(1)
