"""Many auctions at once, lived through with duplicates, reordering and crashes; in the end every total is exact.

The choices are seeded; which of two calls comes first to a lock is the machine's. The rules that are checked hold in
any order.
"""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest

from gavel.bids.adapters.postgres.outbox.outbox import PostgresOutbox
from gavel.bids.ports.book import Unavailable
from gavel.bids.ports.outbox import EventsNotPublished
from gavel.bids.worker import RELAY_CLAIM_ROWS_MAX, running_closer
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.process.loops import Loop, wait_for
from gavel.userstats.adapters.event_codec import EventBatchReader
from gavel.userstats.adapters.postgres.dead_letters import PostgresDeadLetters
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook
from gavel.userstats.ports import Unavailable as StatsUnavailable
from gavel.userstats.use_cases.count_events import count_events
from tests.auction_house import LANE_NAME, open_house, until
from tests.simulation.audit import check_answers, check_auction, check_chain, counted_totals, expected_totals
from tests.simulation.rough_road import RoughRoad
from tests.simulation.town import Story, Visitor, end_auction, insist, list_items

pytestmark = [pytest.mark.integration, pytest.mark.fault]

AUCTIONS = 30
VISITORS = 20
PARTS = (LANE_NAME, "tests-relay", "tests-counter", "gavel-closer")
CRASHES_A_PART = 3
DAY_SECONDS_MAX = 120.0
SETTLED_SECONDS_MAX = 60.0


async def _crash(pool: asyncpg.Pool, dice: random.Random, done: asyncio.Event) -> int:
    """Cut every connection of one part after the other, in the middle of whatever it does; how many were cut."""
    cut = 0
    for part in PARTS * CRASHES_A_PART:
        cut += await insist(dice, lambda part=part: _cut(pool, part))
        await wait_for(done, dice.uniform(0.05, 0.3))
    return cut


async def _cut(pool: asyncpg.Pool, part: str) -> int:
    return await pool.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1", part
    )


@asynccontextmanager
async def _workers(bid_db_url: str, stats_db_url: str, road: RoughRoad) -> AsyncGenerator[None]:
    """Two of each: relay, closer and counter."""
    async with AsyncExitStack() as stack:
        relays = await stack.enter_async_context(await postgres.open_pool(bid_db_url, "tests-relay"))
        counters = await stack.enter_async_context(await postgres.open_pool(stats_db_url, "tests-counter"))
        outbox, book, letters = PostgresOutbox(relays), PostgresStatsBook(counters), PostgresDeadLetters(counters)
        reader = EventBatchReader()

        async def relay() -> bool:
            return await outbox.relay(road.publish, RELAY_CLAIM_ROWS_MAX) > 0

        async def counter() -> bool:
            return (await count_events(road, reader, book, letters)).deliveries > 0

        for number in (1, 2):
            for loop in (
                Loop(f"counter {number}", counter, 0.01, (StatsUnavailable,)),
                Loop(f"relay {number}", relay, 0.01, (EventsNotPublished, Unavailable)),
            ):
                await stack.enter_async_context(loop.running())
            await stack.enter_async_context(running_closer(bid_db_url, relays))
        yield


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", ["gavel", "hammer", "mallet"])
async def test_after_a_rough_day_every_auction_has_its_one_winner_and_every_total_is_exact(
    bid_db_url: str, stats_db_url: str, bid_pool: asyncpg.Pool, stats_pool: asyncpg.Pool, seed: str
) -> None:
    dice, road, story, done = random.Random(seed), RoughRoad(seed), Story(), asyncio.Event()
    async with open_house(bid_db_url) as one, open_house(bid_db_url) as two, _workers(bid_db_url, stats_db_url, road):
        items = await list_items(one, dice, AUCTIONS)
        visitors = [Visitor((one, two), items, story, random.Random(f"{seed} {n}")) for n in range(VISITORS)]
        async with asyncio.timeout(DAY_SECONDS_MAX), asyncio.TaskGroup() as day:
            crashes = day.create_task(_crash(bid_pool, dice, done))
            await asyncio.gather(*(visitor.spend_the_day() for visitor in visitors))
            done.set()
        assert crashes.result() > 0
        road.smooth = True
        for item_id in items:
            await insist(dice, lambda item_id=item_id: end_auction(bid_pool, item_id))
        await until(lambda: _settled(bid_pool, road), SETTLED_SECONDS_MAX)
    assert min(road.failures, road.acks_lost) > 0
    assert await stats_pool.fetchval("SELECT count(*) FROM dead_letters") == 0
    assert len(story.accepted) > AUCTIONS
    await check_answers(bid_pool, story)
    for item_id in items:
        await check_auction(bid_pool, item_id)
    await check_chain(bid_pool)
    assert await counted_totals(stats_pool) == await expected_totals(bid_pool)
    events = await bid_pool.fetchval("SELECT sum(seq)::bigint FROM auctions")
    assert await stats_pool.fetchval("SELECT count(*) FROM counted_events") == events


async def _settled(bid_pool: asyncpg.Pool, road: RoughRoad) -> bool:
    """Whether every auction is over, and every event is delivered."""
    open_auctions = await bid_pool.fetchval(
        "SELECT count(*) FROM auctions WHERE closed_at IS NULL AND cancelled_at IS NULL"
    )
    owed = await bid_pool.fetchval("SELECT count(*) FROM outbox")
    return (open_auctions, owed) == (0, 0) and road.empty
