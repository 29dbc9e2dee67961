"""The stats worker: what is published is counted, also by what was away meanwhile."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from gavel.runtime.process.in_process_broker import InProcessBroker
from gavel.userstats import worker as stats_worker
from gavel.userstats.adapters.memory.event_source import InProcessEventSource
from gavel.userstats.adapters.postgres.dead_letters import PostgresDeadLetters
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook
from gavel.userstats.domain.user_stats import UserStats
from gavel.userstats.worker import running_stats_worker
from tests.integration.userstats.a_stats_db import taken_away
from tests.unit.userstats.messages import ANNA, NOON, bid, body
from tests.unit.userstats.poison import POISON

pytestmark = pytest.mark.integration

SOON_SECONDS = 20.0


async def _publish(broker: InProcessBroker, *bodies: bytes) -> None:
    """Publish, which returns when all is counted."""
    async with asyncio.timeout(SOON_SECONDS):
        await broker.publish([("bid.placed", each) for each in bodies])


async def _anna(pool: asyncpg.Pool) -> UserStats:
    stats = await PostgresStatsBook(pool).stats_of(ANNA)
    assert stats is not None
    return stats


async def test_what_is_published_is_counted_when_publishing_returns(
    stats_db_url: str, stats_pool: asyncpg.Pool
) -> None:
    broker = InProcessBroker()
    async with running_stats_worker(stats_db_url, InProcessEventSource(broker)) as worker:
        assert await worker.checks["stats_db"]() is None
        await _publish(broker, body([bid(ANNA, 1_000, seq=2)]), body([bid(ANNA, 1_500, seq=3)]))
        assert (await _anna(stats_pool)).total_amount == 2_500


async def test_poison_stops_neither_the_worker_nor_its_publisher(stats_db_url: str, stats_pool: asyncpg.Pool) -> None:
    broker = InProcessBroker()
    async with running_stats_worker(stats_db_url, InProcessEventSource(broker)):
        await _publish(broker, *(poison.body for poison in POISON), body([bid(ANNA, 1_000, seq=2)]))
    assert (await _anna(stats_pool)).total_bids == 1
    assert len(await PostgresDeadLetters(stats_pool).list(1_000)) == len(POISON)


@pytest.mark.fault
async def test_a_worker_whose_database_is_away_reports_it_and_catches_up(
    stats_db_url: str, stats_pool: asyncpg.Pool
) -> None:
    broker = InProcessBroker()
    async with running_stats_worker(stats_db_url, InProcessEventSource(broker)) as worker:
        await _publish(broker, body([bid(ANNA, 1_000, seq=2)]))
        async with taken_away(stats_db_url):
            publishing = asyncio.create_task(_publish(broker, body([bid(ANNA, 1_500, seq=3)])))
            assert "no answer" in (await worker.checks["stats_db"]() or "")
            assert not publishing.done()
        await publishing
        assert await worker.checks["stats_db"]() is None
    assert (await _anna(stats_pool)).total_amount == 2_500


@pytest.mark.usefixtures("alters_schema")
async def test_a_worker_that_starts_before_its_schema_waits_for_it(stats_db_url: str, stats_pool: asyncpg.Pool) -> None:
    broker = InProcessBroker()
    await stats_pool.execute("ALTER TABLE counting RENAME TO not_yet")
    async with running_stats_worker(stats_db_url, InProcessEventSource(broker)):
        publishing = asyncio.create_task(_publish(broker, body([bid(ANNA, 1_000, seq=2)])))
        await stats_pool.execute("ALTER TABLE not_yet RENAME TO counting")
        await publishing
    assert (await _anna(stats_pool)).total_bids == 1


async def test_the_worker_deletes_old_ids(stats_db_url: str, stats_pool: asyncpg.Pool) -> None:
    old, recent = bid(ANNA, 1_000, seq=2, at=NOON - timedelta(days=60)), bid(ANNA, 1_100, seq=3)
    await stats_pool.execute("INSERT INTO counted_events VALUES ($1), ($2)", old.event_id, recent.event_id)
    async with (
        running_stats_worker(stats_db_url, InProcessEventSource(InProcessBroker())),
        asyncio.timeout(SOON_SECONDS),
    ):
        while await stats_pool.fetchval("SELECT count(*) FROM counted_events") > 1:
            pass
    assert str(await stats_pool.fetchval("SELECT event_id FROM counted_events")) == recent.event_id


async def test_stopping_finishes_the_pass_under_way(stats_db_url: str, stats_pool: asyncpg.Pool) -> None:
    broker = InProcessBroker()
    async with running_stats_worker(stats_db_url, InProcessEventSource(broker)):
        publishing = asyncio.create_task(_publish(broker, body(bid(ANNA, 1, seq=2 + each) for each in range(3_000))))
        while await stats_pool.fetchval("SELECT count(*) FROM counted_events") == 0:
            pass
    await publishing
    assert (await _anna(stats_pool)).total_bids == 3_000


async def test_the_pruner_rests_unless_a_batch_was_full_and_has_a_connection_of_its_own(
    stats_db_url: str, stats_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each pass stops the counters for a moment, and must not repeat for one id that has grown old since."""
    monkeypatch.setattr(stats_worker, "FORGET_IDS_MAX", 2)
    passes, rests = list[int](), asyncio.Event()
    forget = PostgresStatsBook.forget

    async def noted(book: PostgresStatsBook, older_than: timedelta, limit: int) -> int:
        passes.append(await forget(book, older_than, limit))
        if passes[-1] < limit:
            rests.set()
        return passes[-1]

    monkeypatch.setattr(PostgresStatsBook, "forget", noted)
    old = [bid(ANNA, 1_000, seq=seq, at=NOON - timedelta(days=60)).event_id for seq in range(2, 7)]
    recent = bid(ANNA, 1_100, seq=8).event_id
    await stats_pool.execute("INSERT INTO counted_events SELECT unnest($1::uuid[])", [*old, recent])
    broker = InProcessBroker()
    async with running_stats_worker(stats_db_url, InProcessEventSource(broker)):
        await asyncio.wait_for(rests.wait(), SOON_SECONDS)
        # Counting goes on, and gives the pruner its chance to run once more.
        await _publish(broker, body([bid(ANNA, 1_500, seq=9)]))
        names = await stats_pool.fetch(
            "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
        )
    assert passes == [2, 2, 1]
    assert "gavel-pruner" in {row["application_name"] for row in names}
