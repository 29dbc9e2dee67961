"""The counter on a real database: counted once, nothing lost, the bad alone, the rest moves on."""

from collections.abc import AsyncGenerator

import asyncpg
import pytest

from gavel.contracts.events.v1 import auction_events_pb as pb
from gavel.userstats.adapters.event_codec import EventBatchReader
from gavel.userstats.adapters.postgres.dead_letters import PostgresDeadLetters
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook
from gavel.userstats.domain.ids import UserId
from gavel.userstats.ports import DeadLetter, Unavailable
from gavel.userstats.use_cases.count_events import (
    COUNTERS_AT_ONCE,
    FORGOTTEN,
    TRANSACTION_EVENTS_MAX,
    CounterPass,
    count_events,
)
from gavel.userstats.use_cases.replay_dead_letters import replay_dead_letters
from gavel.userstats.worker import DEDUP_HORIZON, FORGET_IDS_MAX
from tests.integration.userstats.a_stats_db import taken_away
from tests.integration.userstats.in_process_transport import InProcessTransport, in_process_transport
from tests.unit.userstats.messages import ANNA, BELA, CARLA, LAMP, NOON, SELLER, bid, body, closed, extended, listed
from tests.unit.userstats.poison import GARBAGE, POISON, Poison

pytestmark = pytest.mark.integration

READER = EventBatchReader()


class Counter:
    """The counter with its parts: messages go in, totals and dead letters come out."""

    def __init__(self, pool: asyncpg.Pool, transport: InProcessTransport) -> None:
        self.transport = transport
        self.book = PostgresStatsBook(pool)
        self.dead_letters = PostgresDeadLetters(pool)

    async def run(self) -> CounterPass:
        """One pass."""
        return await count_events(await self.transport.open(), READER, self.book, self.dead_letters)

    async def bids_of(self, user_id: UserId) -> tuple[int, int]:
        """How many bids of the user are counted, and their sum."""
        stats = await self.book.stats_of(user_id)
        return (0, 0) if stats is None else (stats.total_bids, stats.total_amount)

    async def dead(self) -> list[DeadLetter]:
        """The dead letters."""
        return [DeadLetter(letter.body, letter.reason) for letter in await self.dead_letters.list(1_000)]


@pytest.fixture
async def counter(stats_pool: asyncpg.Pool) -> AsyncGenerator[Counter]:
    async with in_process_transport() as transport:
        yield Counter(stats_pool, transport)


async def test_all_that_waits_is_counted_and_acknowledged(counter: Counter) -> None:
    await counter.transport.send([body([listed(), bid(ANNA, 1_000, seq=2)]), body([bid(BELA, 1_100, seq=3)])])
    await counter.transport.send([body([extended(seq=4), closed(BELA, 1_100, seq=5)])])
    assert await counter.run() == CounterPass(deliveries=3, new=5)
    await counter.transport.all_acked()
    assert await counter.bids_of(ANNA) == (1, 1_000)
    assert await counter.bids_of(BELA) == (1, 1_100)
    assert await counter.book.stats_of(SELLER) is not None


async def test_nothing_that_waits_is_a_pass_without_work(counter: Counter) -> None:
    assert await counter.run() == CounterPass()


@pytest.mark.parametrize("poison", POISON, ids=lambda poison: poison.name)
async def test_poison_is_dead_with_its_reason_and_the_rest_of_its_batch_counts(
    counter: Counter, poison: Poison
) -> None:
    await counter.transport.send([body([bid(ANNA, 1_000, seq=2)]) + poison.body + body([bid(ANNA, 1_100, seq=3)])])
    await counter.transport.send([body([bid(BELA, 1_200, seq=4)])])
    assert await counter.run() == CounterPass(deliveries=2, new=3, dead=1)
    await counter.transport.all_acked()
    [letter] = await counter.dead()
    assert letter.body == poison.body
    assert poison.reason in letter.reason
    assert await counter.bids_of(ANNA) == (2, 2_100)
    assert await counter.bids_of(BELA) == (1, 1_200)


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_is_dead_as_a_whole_and_the_queue_moves_on(counter: Counter, garbage: bytes) -> None:
    await counter.transport.send([garbage, body([bid(ANNA, 1_000, seq=2)])])
    assert await counter.run() == CounterPass(deliveries=2, new=1, dead=1)
    await counter.transport.all_acked()
    assert [letter.body for letter in await counter.dead()] == [garbage]


async def test_an_event_older_than_the_dedup_horizon_is_dead_and_the_rest_counts(counter: Counter) -> None:
    late = bid(ANNA, 1_000, seq=2, at=NOON - DEDUP_HORIZON - DEDUP_HORIZON)
    await counter.transport.send([body([bid(ANNA, 1_100, seq=3)])])
    await counter.run()
    await counter.book.forget(DEDUP_HORIZON, FORGET_IDS_MAX)
    await counter.transport.send([body([late, bid(ANNA, 1_200, seq=4)])])
    assert await counter.run() == CounterPass(deliveries=1, new=1, dead=1)
    assert await counter.dead() == [DeadLetter(body([late]), FORGOTTEN)]


@pytest.mark.usefixtures("alters_schema")
async def test_what_only_the_database_refuses_is_dead_alone(counter: Counter, stats_pool: asyncpg.Pool) -> None:
    await stats_pool.execute("ALTER TABLE user_stats ADD CHECK (total_amount <> 666)")
    bids = [bid(CARLA if number == 77 else ANNA, 666 if number == 77 else 1, seq=number) for number in range(2, 200)]
    await counter.transport.send([body(bids)])
    assert await counter.run() == CounterPass(deliveries=1, new=197, dead=1)
    [letter] = await counter.dead()
    assert letter.body == body([bids[75]])
    assert "the database refuses it" in letter.reason
    assert await counter.bids_of(ANNA) == (197, 197)


async def test_a_body_with_more_events_than_a_transaction_takes_is_counted_whole(counter: Counter) -> None:
    count = 2 * TRANSACTION_EVENTS_MAX + 1
    await counter.transport.send([body(bid(ANNA, 2, seq=2 + number) for number in range(count))])
    assert (await counter.run()).new == count
    assert await counter.bids_of(ANNA) == (count, 2 * count)


async def test_many_small_messages_are_counted_in_few_transactions(counter: Counter, stats_pool: asyncpg.Pool) -> None:
    await counter.transport.send([body([bid(ANNA, 2, seq=2 + number)]) for number in range(60)])
    assert await counter.run() == CounterPass(deliveries=60, new=60)
    transactions = "SELECT count(DISTINCT xmin::text) FROM counted_events"
    assert 1 <= await stats_pool.fetchval(transactions) <= COUNTERS_AT_ONCE


async def test_a_message_that_comes_again_after_its_commit_counts_once(counter: Counter) -> None:
    message = body([bid(ANNA, 1_000, seq=2), bid(ANNA, 1_100, seq=3)])
    await counter.transport.send([message])
    assert await counter.run() == CounterPass(deliveries=1, new=2)
    await counter.transport.send([message, message])
    assert await counter.run() == CounterPass(deliveries=2, duplicates=4)
    assert await counter.bids_of(ANNA) == (2, 2_100)


async def test_with_the_database_away_nothing_is_acknowledged_and_all_is_counted_when_it_is_back(
    counter: Counter, stats_db_url: str
) -> None:
    message = body([bid(ANNA, 1_000, seq=2)])
    await counter.transport.send([message])
    async with taken_away(stats_db_url):
        for _ in range(3):
            with pytest.raises(Unavailable):
                await counter.run()
        assert await counter.transport.unacked() == [message]
    assert await counter.run() == CounterPass(deliveries=1, new=1)
    await counter.transport.all_acked()


@pytest.mark.usefixtures("alters_schema")
async def test_what_has_no_place_among_the_dead_letters_is_not_acknowledged(
    counter: Counter, stats_pool: asyncpg.Pool
) -> None:
    message = POISON[0].body + body([bid(ANNA, 1_000, seq=2)])
    await counter.transport.send([message])
    await stats_pool.execute("ALTER TABLE dead_letters RENAME TO dead_letters_away")
    with pytest.raises(Unavailable):
        await counter.run()
    assert await counter.transport.unacked() == [message]
    await stats_pool.execute("ALTER TABLE dead_letters_away RENAME TO dead_letters")
    assert await counter.run() == CounterPass(deliveries=1, duplicates=1, dead=1)
    assert len(await counter.dead()) == 1
    await counter.transport.all_acked()


@pytest.mark.usefixtures("alters_schema")
async def test_dead_letters_that_can_be_counted_by_now_are_replayed_and_the_others_stay(
    counter: Counter, stats_pool: asyncpg.Pool
) -> None:
    await stats_pool.execute("ALTER TABLE user_stats ADD CONSTRAINT no_evil CHECK (total_amount <> 666)")
    await counter.transport.send([body([bid(ANNA, 666, seq=2)]), POISON[0].body])
    assert (await counter.run()).dead == 2
    await stats_pool.execute("ALTER TABLE user_stats DROP CONSTRAINT no_evil")
    replayed = await replay_dead_letters(counter.dead_letters, READER, counter.book, letter_ids=None, letters_max=1_000)
    assert replayed == 1
    assert await counter.bids_of(ANNA) == (1, 666)
    assert [letter.body for letter in await counter.dead()] == [POISON[0].body]


async def test_one_user_in_two_spellings_is_one_row(counter: Counter) -> None:
    shouted: pb.Event = bid(ANNA.upper(), 1_000, seq=2, item_id=LAMP)
    await counter.transport.send([body([shouted, bid(ANNA, 1_100, seq=3)])])
    await counter.run()
    assert await counter.bids_of(ANNA) == (2, 2_100)
