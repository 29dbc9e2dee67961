"""What Outbox promises: what is owed is claimed by one relay, and deleted if and only if it was published."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import asyncpg
import pytest
from asyncpg.connection import LoggedQuery

from gavel.bids.adapters.postgres.outbox import outbox as postgres_outbox
from gavel.bids.adapters.postgres.outbox.outbox import (
    CLAIM_BYTES_MAX,
    MESSAGE_EVENTS_MAX,
    PUBLISH_SECONDS_MAX,
    PostgresOutbox,
)
from gavel.bids.ports.book import Unavailable
from gavel.bids.ports.outbox import EventsNotPublished, OutboxMessage
from gavel.bids.worker import RELAY_CLAIM_ROWS_MAX
from gavel.contracts.events.v1.auction_events_pb import EventBatch
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.connections import IDLE_IN_TRANSACTION_SECONDS_MAX
from tests.auction_house import House, new_user, until
from tests.servers.fault_proxy import FaultProxy, Towards, fault_proxy, upstream_of

pytestmark = pytest.mark.integration


class Published:
    """A broker's place: what it took over, and how it behaves."""

    def __init__(self) -> None:
        self.messages: list[OutboxMessage] = []
        self.failures: list[Exception] = []
        self.began = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        """Take the messages over, or fail."""
        self.began.set()
        await self.may_end.wait()
        if self.failures:
            raise self.failures.pop()
        self.messages.extend(messages)

    @property
    def bodies(self) -> list[bytes]:
        """What was taken over, in order."""
        return [message.body for message in self.messages]


@pytest.fixture
async def pool(house: House) -> asyncpg.Pool:
    """The pool of a house that owes nothing."""
    await house.pool.execute("TRUNCATE outbox")
    return house.pool


@pytest.fixture
def outbox(pool: asyncpg.Pool) -> PostgresOutbox:
    """The outbox of the house."""
    return PostgresOutbox(pool)


@pytest.fixture
async def proxy(house: House) -> AsyncGenerator[FaultProxy]:
    """A proxy before the database."""
    async with fault_proxy(upstream_of(house.url)) as proxy:
        yield proxy


async def _owe(pool: asyncpg.Pool, bodies: Sequence[bytes], routing_key: str = "bid.placed", events: int = 1) -> None:
    await pool.executemany(
        "INSERT INTO outbox (routing_key, event_count, body) VALUES ($1, $2, $3)",
        [(routing_key, events, body) for body in bodies],
    )


async def _owed(pool: asyncpg.Pool) -> list[bytes]:
    return [row["body"] for row in await pool.fetch("SELECT body FROM outbox ORDER BY id")]


async def test_what_is_owed_is_published_and_deleted(pool: asyncpg.Pool, outbox: PostgresOutbox) -> None:
    await _owe(pool, [b"a", b"b"], events=3)
    broker = Published()
    assert await outbox.relay(broker.publish, 10) == 6
    assert broker.messages == [OutboxMessage("bid.placed", b"ab", 6)]
    assert await _owed(pool) == []


async def test_where_nothing_is_owed_nothing_is_published(outbox: PostgresOutbox) -> None:
    broker = Published()
    assert await outbox.relay(broker.publish, 10) == 0
    assert not broker.began.is_set()


async def test_what_could_not_be_published_is_owed_still(pool: asyncpg.Pool, outbox: PostgresOutbox) -> None:
    await _owe(pool, [b"a", b"b"])
    broker = Published()
    broker.failures = [EventsNotPublished("the broker is away")]
    with pytest.raises(EventsNotPublished):
        await outbox.relay(broker.publish, 10)
    assert await _owed(pool) == [b"a", b"b"]
    assert await outbox.relay(broker.publish, 10) == 2
    assert await _owed(pool) == []


async def test_a_publisher_that_is_silent_is_given_up_and_the_rows_are_owed_still(
    pool: asyncpg.Pool, outbox: PostgresOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_outbox, "PUBLISH_SECONDS_MAX", 0.05)
    await _owe(pool, [b"a"])
    broker = Published()
    broker.may_end.clear()
    with pytest.raises(EventsNotPublished):
        await outbox.relay(broker.publish, 10)
    assert await _owed(pool) == [b"a"]


def test_publishing_gives_up_before_the_server_would_take_the_claim_away() -> None:
    assert PUBLISH_SECONDS_MAX < IDLE_IN_TRANSACTION_SECONDS_MAX


async def test_the_oldest_are_relayed_first_and_no_more_than_asked_for(
    pool: asyncpg.Pool, outbox: PostgresOutbox
) -> None:
    await _owe(pool, [b"a", b"b", b"c", b"d", b"e"])
    broker = Published()
    counts = [await outbox.relay(broker.publish, 2) for _ in range(4)]
    assert counts == [2, 2, 1, 0]
    assert broker.bodies == [b"ab", b"cd", b"e"]


async def test_what_is_claimed_at_once_is_bounded_in_bytes_and_a_larger_row_goes_alone(
    pool: asyncpg.Pool, outbox: PostgresOutbox
) -> None:
    await _owe(pool, [bytes(CLAIM_BYTES_MAX // 4)] * 5 + [bytes(2 * CLAIM_BYTES_MAX), b"a", b"b"])
    broker = Published()
    counts = [await outbox.relay(broker.publish, 100) for _ in range(4)]
    assert counts == [4, 2, 2, 0]
    assert [len(body) for body in broker.bodies] == [CLAIM_BYTES_MAX, CLAIM_BYTES_MAX // 4 + 2 * CLAIM_BYTES_MAX, 2]


async def test_claims_of_two_relays_never_overlap(pool: asyncpg.Pool, outbox: PostgresOutbox) -> None:
    await _owe(pool, [b"a", b"b", b"c"])
    slow, quick = Published(), Published()
    slow.may_end.clear()
    relaying = asyncio.create_task(outbox.relay(slow.publish, 2))
    await slow.began.wait()
    assert await outbox.relay(quick.publish, 10) == 1
    assert await outbox.relay(quick.publish, 10) == 0, "what another relay holds is not waited for"
    slow.may_end.set()
    assert await relaying == 2
    assert (slow.bodies, quick.bodies) == ([b"ab"], [b"c"])


async def test_what_a_relay_that_gave_up_held_is_taken_by_another(pool: asyncpg.Pool, outbox: PostgresOutbox) -> None:
    await _owe(pool, [b"a"])
    stuck, other = Published(), Published()
    stuck.may_end.clear()
    relaying = asyncio.create_task(outbox.relay(stuck.publish, 10))
    await stuck.began.wait()
    relaying.cancel()
    await asyncio.wait([relaying])

    async def taken() -> bool:
        return await outbox.relay(other.publish, 10) == 1

    await until(taken)
    assert other.bodies == [b"a"]


@pytest.mark.fault
async def test_a_relay_that_dies_after_the_confirm_publishes_again(
    house: House, pool: asyncpg.Pool, outbox: PostgresOutbox, proxy: FaultProxy
) -> None:
    await _owe(pool, [b"a"])
    broker = Published()
    async with await postgres.open_pool(proxy.url(house.url), "tests-relay") as dying:
        proxy.cut_before(b"COMMIT\0", Towards.SERVER)
        with pytest.raises(Unavailable):
            await PostgresOutbox(dying).relay(broker.publish, 10)
    assert broker.bodies == [b"a"]

    async def taken() -> bool:
        return await outbox.relay(broker.publish, 10) == 1

    await until(taken)
    assert broker.bodies == [b"a", b"a"]


async def test_a_frozen_database_is_given_up_and_no_connection_is_waited_for(
    house: House, pool: asyncpg.Pool, outbox: PostgresOutbox, proxy: FaultProxy
) -> None:
    await _owe(pool, [b"a"])
    broker = Published()
    async with (
        asyncio.timeout(postgres.STATEMENT_SECONDS_MAX - 1),
        await postgres.open_pool(proxy.url(house.url), "tests-relay") as frozen,
    ):
        relay = PostgresOutbox(frozen)
        assert await relay.relay(broker.publish, 10) == 1
        proxy.hold()
        relaying = asyncio.create_task(relay.relay(broker.publish, 10))
        await asyncio.wait([relaying], timeout=0.05)
        relaying.cancel()
        await asyncio.wait([relaying])
        proxy.behave()
        assert await relay.relay(broker.publish, 10) == 0


async def test_a_backlog_is_drained(pool: asyncpg.Pool, outbox: PostgresOutbox) -> None:
    rows = 3 * RELAY_CLAIM_ROWS_MAX + 1
    await pool.execute(
        "INSERT INTO outbox (routing_key, event_count, body)"
        " SELECT 'bid.placed', 2, int8send(n) FROM generate_series(1, $1::bigint) AS n",
        rows,
    )
    broker, relayed = Published(), 0
    while events := await outbox.relay(broker.publish, RELAY_CLAIM_ROWS_MAX):
        relayed += events
    assert relayed == 2 * rows
    assert b"".join(broker.bodies) == b"".join(n.to_bytes(8, "big") for n in range(1, rows + 1))
    assert await _owed(pool) == []


async def test_messages_are_of_one_routing_key_and_of_bounded_size(pool: asyncpg.Pool, outbox: PostgresOutbox) -> None:
    for body in (b"1", b"2", b"3"):
        await _owe(pool, [body], "bid.placed", MESSAGE_EVENTS_MAX // 2)
        await _owe(pool, [body], "auction.closed", 1)
    await _owe(pool, [b"4"], "bid.placed", MESSAGE_EVENTS_MAX + 1)
    broker = Published()
    await outbox.relay(broker.publish, 100)
    assert sorted(broker.messages, key=lambda message: message.body) == [
        OutboxMessage("bid.placed", b"12", MESSAGE_EVENTS_MAX),
        OutboxMessage("auction.closed", b"123", 3),
        OutboxMessage("bid.placed", b"3", MESSAGE_EVENTS_MAX // 2),
        OutboxMessage("bid.placed", b"4", MESSAGE_EVENTS_MAX + 1),
    ]


async def test_joined_rows_are_one_batch_of_all_their_events(
    house: House, pool: asyncpg.Pool, outbox: PostgresOutbox
) -> None:
    item_id = await house.list_item()
    for amount in (1, 2, 3):
        await house.bid(item_id, amount, by=new_user())
    broker = Published()
    assert await outbox.relay(broker.publish, 100) == 4
    events = {
        message.routing_key: [event.seq for event in EventBatch.from_binary(message.body).events]
        for message in broker.messages
    }
    assert events == {"item.listed": [1], "bid.placed": [2, 3, 4]}


async def _claim_blocks(connection: Any, claim: str, *arguments: object) -> int:
    """How many blocks a claim reads."""
    async with connection.transaction():
        await connection.execute(postgres_outbox.CLAIM_SETTINGS)
        [row] = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {claim}", *arguments)
    plan = json.loads(row[0])[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


async def test_a_claim_does_not_pass_over_what_was_relayed_while_a_snapshot_is_held(
    pool: asyncpg.Pool, house: House
) -> None:
    """A dump, or a report: the server can't remove the rows that were deleted since it began."""
    claims: list[tuple[str, tuple[object, ...]]] = []

    def note(query: LoggedQuery) -> None:
        if "FOR UPDATE SKIP LOCKED" in query.query:
            claims.append((query.query, tuple(query.args)))

    broker = Published()
    async with await postgres.open_pool(house.url, "tests", 1) as one, pool.acquire() as dump:
        async with one.acquire() as connection:
            connection.add_query_logger(note)
        now = 0.0
        outbox = PostgresOutbox(one, clock=lambda: now)
        async with dump.transaction(isolation="repeatable_read"):
            await dump.fetchval("SELECT count(*) FROM outbox")
            for _ in range(3):
                now += postgres_outbox.WHOLE_CLAIM_SECONDS
                await pool.execute(
                    "INSERT INTO outbox (routing_key, event_count, body)"
                    " SELECT 'bid.placed', 1, repeat('x', 500)::bytea FROM generate_series(1, 4000)"
                )
                while await outbox.relay(broker.publish, 1_000):
                    pass
            for _ in range(2):
                now += postgres_outbox.WHOLE_CLAIM_SECONDS
                await outbox.relay(broker.publish, 10)
            claims.clear()
            await _owe(pool, [b"new"])
            await outbox.relay(broker.publish, 10)
            [(claim, arguments)] = claims
            async with one.acquire() as connection:
                await _owe(pool, [b"newer"])
                blocks = await _claim_blocks(connection, claim, *arguments)
                from_the_first = await _claim_blocks(connection, claim, *arguments[:-1], 0)
    assert from_the_first > 500, "the danger is not there any more"
    assert blocks < 50
    assert broker.bodies[-1] == b"new"


async def test_a_row_that_becomes_visible_late_is_claimed_by_the_next_claim_from_the_first(pool: asyncpg.Pool) -> None:
    now, broker = 0.0, Published()
    outbox = PostgresOutbox(pool, clock=lambda: now)
    await _owe(pool, [b"late", b"early"])
    late = await pool.fetchval("DELETE FROM outbox WHERE body = $1 RETURNING id", b"late")
    for _ in range(3):
        await outbox.relay(broker.publish, 10)
        now += postgres_outbox.WHOLE_CLAIM_SECONDS
    await outbox.relay(broker.publish, 10)
    await pool.execute(
        "INSERT INTO outbox (id, routing_key, event_count, body)"
        " OVERRIDING SYSTEM VALUE VALUES ($1, 'bid.placed', 1, $2)",
        late,
        b"late",
    )
    assert await outbox.relay(broker.publish, 10) == 0
    now += postgres_outbox.WHOLE_CLAIM_SECONDS
    assert await outbox.relay(broker.publish, 10) == 1
    assert broker.bodies == [b"early", b"late"]
