"""From a real broker into a real stats_db: whatever dies in between, each event counts once, and the bad ones alone."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg
import pytest

from gavel.bids.adapters.postgres.outbox.outbox import PostgresOutbox
from gavel.bids.adapters.rabbitmq.publisher import RabbitMqPublisher
from gavel.bids.ports.outbox import EventsNotPublished, OutboxMessage
from gavel.bids.worker import RELAY_CLAIM_ROWS_MAX
from gavel.userstats.adapters.event_codec import EventBatchReader
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook
from gavel.userstats.adapters.rabbitmq.dead_letters import RabbitMqDeadLetters
from gavel.userstats.adapters.rabbitmq.event_source import RabbitMqEventSource
from gavel.userstats.domain.events import Event
from gavel.userstats.domain.ids import UserId
from gavel.userstats.ports import Counted, DeadLetter, StatsBook, Unavailable
from gavel.userstats.use_cases.count_events import CounterPass, count_events
from gavel.userstats.use_cases.replay_dead_letters import replay_dead_letters
from tests.auction_house import House, new_house
from tests.integration.userstats.a_stats_db import taken_away
from tests.servers.fault_proxy import FaultProxy, fault_proxy, upstream_of
from tests.servers.rabbitmq_broker import Broker, until
from tests.unit.userstats.messages import ANNA, BELA, bid, body
from tests.unit.userstats.poison import GARBAGE, POISON

__all__ = ["new_house"]

pytestmark = pytest.mark.integration

READER = EventBatchReader()


@dataclass(frozen=True, slots=True)
class Counter:
    """One stats worker's parts."""

    source: RabbitMqEventSource
    dead_letters: RabbitMqDeadLetters
    book: PostgresStatsBook
    pool: asyncpg.Pool

    async def run(self, book: StatsBook | None = None) -> CounterPass:
        """One pass."""
        return await count_events(self.source, READER, book or self.book, self.dead_letters)

    async def found_work(self, book: StatsBook | None = None) -> bool:
        """One pass; whether it did anything."""
        return (await self.run(book)).deliveries > 0

    async def until_counted(self, events: int, book: StatsBook | None = None) -> None:
        """Pass after pass, through whatever fails, until so many events are counted and the queue gives no more."""

        async def nothing_is_left() -> bool:
            try:
                return not await self.found_work(book) and await self.counted_events() >= events
            except Unavailable:
                return False

        await until(nothing_is_left)
        assert await self.counted_events() == events

    async def counted_events(self) -> int:
        """How many events the database knows."""
        return await self.pool.fetchval("SELECT count(*) FROM counted_events")

    async def holds(self, deliveries: int) -> bool:
        """Whether so many deliveries are here, not counted yet."""
        return len(await self.source.take(1_000, 0)) == deliveries

    async def bids_of(self, user_id: UserId) -> tuple[int, int]:
        """How many bids of the user are counted, and their sum."""
        stats = await self.book.stats_of(user_id)
        return (0, 0) if stats is None else (stats.total_bids, stats.total_amount)

    async def close(self) -> None:
        """End it, as if its process had died."""
        await self.source.close()
        await self.dead_letters.close()


Opener = Callable[[str], Counter]


@pytest.fixture
async def open_counter(broker: Broker, stats_pool: asyncpg.Pool) -> AsyncGenerator[Opener]:
    """Makes counters that reach the broker by a URL."""
    counters: list[Counter] = []

    def open_one(url: str) -> Counter:
        source, letters = RabbitMqEventSource(url, broker.queue), RabbitMqDeadLetters(url, broker.queue)
        counters.append(Counter(source, letters, PostgresStatsBook(stats_pool), stats_pool))
        return counters[-1]

    yield open_one
    for counter in counters:
        await counter.close()


@pytest.fixture
async def proxy(broker: Broker) -> AsyncGenerator[FaultProxy]:
    async with fault_proxy(upstream_of(broker.url)) as proxy:
        yield proxy


class FollowedBook(PostgresStatsBook):
    """A stats book after whose every COMMIT something happens."""

    def __init__(self, pool: asyncpg.Pool, happens: Callable[[], Awaitable[None]]) -> None:
        super().__init__(pool)
        self._happens = happens

    async def count(self, events: Sequence[Event]) -> Counted:
        """See StatsBook.count."""
        counted = await super().count(events)
        await self._happens()
        return counted


async def test_what_was_published_is_counted_and_gone_from_the_queue(broker: Broker, open_counter: Opener) -> None:
    counter = open_counter(broker.url)
    bodies = [body([bid(ANNA, 10, seq=10 * message + number) for number in range(10)]) for message in range(1, 21)]
    await broker.publish(*bodies)
    await counter.until_counted(200)
    assert await counter.bids_of(ANNA) == (200, 2_000)
    await counter.close()
    assert await broker.bodies() == []


async def test_poison_of_every_kind_is_a_dead_letter_with_its_reason_and_the_queue_behind_it_moves(
    broker: Broker, open_counter: Opener
) -> None:
    counter = open_counter(broker.url)
    good = [body([bid(ANNA, 10, seq=2 + number)]) for number in range(len(POISON) + len(GARBAGE))]
    bad = [*(poison.body for poison in POISON), *GARBAGE.values()]
    sent = [*good, *(alone + poison.body for alone, poison in zip(good, POISON, strict=False)), *GARBAGE.values()]
    await broker.publish(*sent, body([bid(BELA, 77, seq=500)]))
    await counter.until_counted(len(good) + 1)
    letters = {letter.body: letter.reason for letter in await counter.dead_letters.list(1_000)}
    assert letters.keys() == set(bad)
    for poison in POISON:
        assert poison.reason in letters[poison.body]
    assert all(letters.values())
    assert await counter.bids_of(ANNA) == (len(good), 10 * len(good))
    assert await counter.bids_of(BELA) == (1, 77)
    await counter.close()
    assert await broker.bodies() == []


async def test_dead_letters_are_replayed_into_the_totals_and_dropped(broker: Broker, open_counter: Opener) -> None:
    counter = open_counter(broker.url)
    mended = body([bid(ANNA, 10, seq=2)])
    await counter.dead_letters.put([DeadLetter(mended, "a bug of yesterday"), DeadLetter(POISON[0].body, "poison")])
    replayed = await replay_dead_letters(counter.dead_letters, READER, counter.book, letter_ids=None, letters_max=100)
    assert replayed == 1
    assert await counter.bids_of(ANNA) == (1, 10)
    [letter] = await counter.dead_letters.list(10)
    assert (letter.body, letter.reason) == (POISON[0].body, "poison")
    assert await counter.dead_letters.drop([letter.letter_id], 10) == 1
    assert await broker.messages(broker.queue.dead_letters) == []


@pytest.mark.fault
async def test_a_consumer_killed_after_its_commit_and_before_its_ack_leaves_it_to_the_next_and_it_counts_once(
    broker: Broker, open_counter: Opener, stats_pool: asyncpg.Pool
) -> None:
    await broker.publish(body([bid(ANNA, 10, seq=2), bid(ANNA, 20, seq=3)]))
    first = open_counter(broker.url)
    with pytest.raises(Unavailable):
        await until(lambda: first.found_work(FollowedBook(stats_pool, first.source.close)))
    assert await first.bids_of(ANNA) == (2, 30)
    second = open_counter(broker.url)
    seen = CounterPass()

    async def all_came_again() -> bool:
        nonlocal seen
        seen += await second.run()
        return seen.deliveries == 1

    await until(all_came_again)
    assert seen == CounterPass(deliveries=1, duplicates=2)
    assert await second.bids_of(ANNA) == (2, 30)
    await second.close()
    assert await broker.bodies() == []


@pytest.mark.fault
async def test_a_relay_killed_after_the_confirm_publishes_again_and_it_counts_once(
    broker: Broker, open_counter: Opener, new_house: House
) -> None:
    item_id = await new_house.list_item()
    for amount in range(1, 11):
        await new_house.bid(item_id, amount)
    outbox, publisher = PostgresOutbox(new_house.pool), RabbitMqPublisher(broker.url, broker.queue)

    async def publish_and_die(messages: Sequence[OutboxMessage]) -> None:
        await publisher.publish(messages)
        raise EventsNotPublished("killed")

    owed = await new_house.owed_events()
    with pytest.raises(EventsNotPublished, match="killed"):
        await outbox.relay(publish_and_die, RELAY_CLAIM_ROWS_MAX)
    assert await new_house.owed_events() == owed
    assert await outbox.relay(publisher.publish, RELAY_CLAIM_ROWS_MAX) == owed
    assert await new_house.owed_events() == 0
    await publisher.close()
    counter = open_counter(broker.url)
    seen = CounterPass()

    async def both_came() -> bool:
        nonlocal seen
        seen += await counter.run()
        return seen.new + seen.duplicates == 2 * owed

    await until(both_came)
    assert (seen.new, seen.duplicates, seen.dead) == (owed, owed, 0)


@pytest.mark.fault
async def test_a_connection_that_is_cut_again_and_again_loses_nothing_and_counts_nothing_twice(
    broker: Broker, proxy: FaultProxy, open_counter: Opener, stats_pool: asyncpg.Pool
) -> None:
    bodies = [body([bid(ANNA, 10, seq=2 + number)]) for number in range(300)]
    await broker.publish(*bodies)
    counter = open_counter(proxy.url(broker.url))
    cuts = 0

    async def cut() -> None:
        nonlocal cuts
        if cuts < 8:
            cuts += 1
            proxy.cut_all()

    await counter.until_counted(len(bodies), FollowedBook(stats_pool, cut))
    assert cuts == 8
    assert await counter.bids_of(ANNA) == (300, 3_000)


@pytest.mark.fault
async def test_with_stats_db_away_nothing_is_acknowledged_and_all_is_counted_when_it_is_back(
    broker: Broker, open_counter: Opener, stats_db_url: str
) -> None:
    counter = open_counter(broker.url)
    message = body([bid(ANNA, 10, seq=2)])
    await broker.publish(message)
    await until(lambda: counter.holds(1))
    async with taken_away(stats_db_url):
        for _ in range(3):
            with pytest.raises(Unavailable):
                await counter.run()
        assert await broker.ready() == 0
    await counter.until_counted(1)
    await counter.close()
    assert await broker.bodies() == []


async def test_two_counters_at_once_count_each_event_once(broker: Broker, open_counter: Opener) -> None:
    one, other = open_counter(broker.url), open_counter(broker.url)
    bodies = [body([bid(ANNA, 10, seq=2 + number)]) for number in range(200)]
    await broker.publish(*bodies, *bodies)
    seen = CounterPass()

    async def all_are_gone() -> bool:
        nonlocal seen
        for done in await asyncio.gather(one.run(), other.run()):
            seen += done
        return seen.deliveries == 400

    await until(all_are_gone)
    assert (seen.new, seen.duplicates) == (200, 200)
    assert await one.bids_of(ANNA) == (200, 2_000)
