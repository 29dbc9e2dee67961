"""Reconciliation: events of the log that stats_db lacks are found by the second, asked for again, and counted once."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg
import pytest

from gavel.userstats.adapters.postgres import completeness as postgres_completeness
from gavel.userstats.adapters.postgres.completeness import PostgresCompleteness
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook
from gavel.userstats.domain.events import Event
from gavel.userstats.ports import Checkpoint, IncompleteSecond
from gavel.userstats.use_cases.reconcile import REQUESTS_MAX, RESEND_SECONDS_MAX, reconcile
from tests.unit.userstats.histories import a_history, a_user, totals_in, totals_of
from tests.unit.userstats.messages import NOON, after

pytestmark = pytest.mark.integration

START = int(NOON.timestamp())
# Seven milliseconds apart: almost six seconds.
HISTORY = a_history(3, 800)
SECONDS = 6
EVERYONE = [a_user(number) for number in range(12)]


def _second(event: Event) -> int:
    return int(event.at.timestamp())


@dataclass
class Log:
    """A log in memory; two counters get what is asked for again, in any order, with all else of the same second."""

    book: PostgresStatsBook
    events: Sequence[Event] = tuple(HISTORY)
    until: int = START + SECONDS
    messages_waiting: int = 0
    requested: list[int] = field(default_factory=list[int])
    never_come: Sequence[Event] = ()

    async def waiting(self) -> int:
        """See EventLog.waiting."""
        return self.messages_waiting

    async def checkpoint(self, since: int) -> Checkpoint:
        """See EventLog.checkpoint."""
        counts = Counter(_second(event) for event in self.events if since <= _second(event) < self.until)
        return Checkpoint(since, max(since, self.until), dict(counts))

    async def resend(self, seconds: Sequence[int]) -> None:
        """See EventLog.resend."""
        self.requested += seconds
        again = [event for event in self.events if _second(event) in seconds and event not in self.never_come]
        random.Random(len(again)).shuffle(again)
        await asyncio.gather(self.book.count(again[: len(again) * 2 // 3]), self.book.count(again[len(again) // 3 :]))


@pytest.fixture
def book(stats_pool: asyncpg.Pool) -> PostgresStatsBook:
    return PostgresStatsBook(stats_pool)


@pytest.fixture
async def completeness(stats_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> PostgresCompleteness:
    """A record of a stats_db that was checked until the history begins; a check may follow the other at once."""
    monkeypatch.setattr(postgres_completeness, "CHECK_PAUSE", timedelta(0))
    monkeypatch.setattr(postgres_completeness, "GRACE", timedelta(0))
    await stats_pool.execute("UPDATE completeness SET checked_until = $1", START)
    return PostgresCompleteness(stats_pool)


async def _missing(completeness: PostgresCompleteness) -> float:
    """What the metrics say is missing."""
    [missing, *_] = await completeness.metrics()
    assert missing.name == "gavel_counter_missing_events"
    return missing.samples[0].value


@pytest.mark.parametrize(
    "lost",
    [HISTORY[400:401], HISTORY[300:560], HISTORY[650:], HISTORY[:1] + HISTORY[-1:], HISTORY],
    ids=["one in the middle", "more than a second", "the tail", "both ends", "all"],
)
async def test_what_is_lost_is_found_and_counted_once(
    book: PostgresStatsBook, completeness: PostgresCompleteness, lost: list[Event]
) -> None:
    log = Log(book)
    await book.count([event for event in HISTORY if event not in lost])
    found = await reconcile(log, completeness)
    seconds = Counter(_second(event) for event in lost)
    assert sorted(found, key=lambda each: each.second) == [
        IncompleteSecond(second, missing, 0) for second, missing in sorted(seconds.items())
    ]
    assert sorted(log.requested) == sorted(seconds)
    assert await reconcile(log, completeness) == []
    assert await _missing(completeness) == 0
    assert len(log.requested) == len(seconds)
    assert await totals_in(book, EVERYONE) == totals_of(HISTORY)


async def test_where_nothing_is_lost_nothing_is_asked_for_and_the_next_check_goes_on(
    book: PostgresStatsBook, completeness: PostgresCompleteness
) -> None:
    await book.count([*HISTORY, *HISTORY])
    log = Log(book)
    assert await reconcile(log, completeness) == []
    assert log.requested == []
    assert await completeness.start_check() == START + SECONDS


async def test_nothing_is_checked_while_messages_wait_to_be_counted(
    book: PostgresStatsBook, completeness: PostgresCompleteness
) -> None:
    log = Log(book, messages_waiting=1)
    assert await reconcile(log, completeness) == []
    assert await completeness.start_check() == START
    log.messages_waiting = 0
    assert len(await reconcile(log, completeness)) == SECONDS


async def test_of_several_workers_one_checks_and_each_asks_for_other_seconds(
    book: PostgresStatsBook,
    completeness: PostgresCompleteness,
    stats_pool: asyncpg.Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await completeness.note(await Log(book).checkpoint(START))
    taken = await asyncio.gather(*(PostgresCompleteness(stats_pool).due(2) for _ in range(3)))
    assert len({each.second for mine in taken for each in mine}) == sum(map(len, taken)) == SECONDS
    monkeypatch.setattr(postgres_completeness, "CHECK_PAUSE", timedelta(hours=1))
    await stats_pool.execute("UPDATE completeness SET check_started_at = 'epoch'")
    started = await asyncio.gather(*(PostgresCompleteness(stats_pool).start_check() for _ in range(4)))
    assert sorted(started, key=str) == [START + SECONDS, None, None, None]


async def test_what_never_comes_is_asked_for_a_few_times_and_stays_missing_until_it_is_counted(
    book: PostgresStatsBook, completeness: PostgresCompleteness
) -> None:
    dead = HISTORY[123]
    await book.count([event for event in HISTORY if event is not dead])
    log = Log(book, never_come=[dead])
    passes = [await reconcile(log, completeness) for _ in range(REQUESTS_MAX + 2)]
    tries = [*range(REQUESTS_MAX), REQUESTS_MAX, REQUESTS_MAX]
    assert passes == [[IncompleteSecond(_second(dead), 1, requests)] for requests in tries]
    assert log.requested == [_second(dead)] * REQUESTS_MAX
    assert await _missing(completeness) == 1
    await book.count([dead])
    assert await reconcile(log, completeness) == []
    assert await _missing(completeness) == 0


async def test_a_request_that_is_lost_is_made_again_after_a_pause_that_grows(
    book: PostgresStatsBook,
    completeness: PostgresCompleteness,
    stats_pool: asyncpg.Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres_completeness, "GRACE", timedelta(hours=1))
    await completeness.note(await Log(book, HISTORY[:1]).checkpoint(START))
    pauses: list[float] = []
    for _ in range(3):
        assert await completeness.due(RESEND_SECONDS_MAX) == []
        pauses.append(
            await stats_pool.fetchval(
                "SELECT round(extract(epoch FROM due_at - clock_timestamp()) / 3600)::float8 FROM incomplete_seconds"
            )
        )
        await stats_pool.execute("UPDATE incomplete_seconds SET due_at = clock_timestamp()")
        assert len(await completeness.due(RESEND_SECONDS_MAX)) == 1
    assert pauses == [1, 2, 4]


async def test_while_too_many_seconds_are_incomplete_no_more_are_checked(
    book: PostgresStatsBook, completeness: PostgresCompleteness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_completeness, "INCOMPLETE_SECONDS_MAX", 1)
    lost = HISTORY[0]
    log = Log(book, until=START + 1, never_come=[lost])
    await reconcile(log, completeness)
    log.until = START + SECONDS
    for _ in range(REQUESTS_MAX - 1):
        assert [each.second for each in await reconcile(log, completeness)] == [_second(lost)]
        assert await completeness.start_check() == START + 1
    # What is not asked for any more holds up nothing.
    await reconcile(log, completeness)
    assert await completeness.start_check() == START + SECONDS


async def test_what_is_older_than_the_known_ids_is_missing_until_a_rebuild_and_never_asked_for(
    book: PostgresStatsBook, completeness: PostgresCompleteness, stats_pool: asyncpg.Pool
) -> None:
    await completeness.note(await Log(book, HISTORY[:1]).checkpoint(START))
    await stats_pool.execute("UPDATE completeness SET checked_until = $1", START - 10)
    await stats_pool.execute("UPDATE counting SET forgotten_before = $1", after(SECONDS))
    log = Log(book)
    assert await reconcile(log, completeness) == []
    assert log.requested == []
    assert await _missing(completeness) == 2
    assert await completeness.start_check() == START + SECONDS + 3_600

    async def all_of_it() -> AsyncIterator[Sequence[Event]]:
        yield HISTORY

    assert await book.rebuild(all_of_it()) == len(HISTORY)
    assert await _missing(completeness) == 0
    assert await totals_in(book, EVERYONE) == totals_of(HISTORY)


async def test_a_rebuild_leaves_nothing_of_before_it_to_be_checked_that_could_not_be(
    book: PostgresStatsBook, completeness: PostgresCompleteness, stats_pool: asyncpg.Pool
) -> None:
    await stats_pool.execute("UPDATE counting SET forgotten_before = $1", after(SECONDS))

    async def all_of_it() -> AsyncIterator[Sequence[Event]]:
        yield HISTORY

    await book.rebuild(all_of_it())
    assert await completeness.start_check() == START + SECONDS + 3_600
    assert await _missing(completeness) == 0
