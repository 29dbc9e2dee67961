"""A limit of several processes: what one lets in others learn by Redis, and without Redis each limits for itself."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.crc import key_slot

from gavel.runtime.http.rate_limits import SHARED_BURSTS_MAX, SHARED_KEYS_MAX, RateLimit
from gavel.runtime.process.loops import Loop
from gavel.runtime.redis.circuit_breaker import CircuitBreaker
from gavel.runtime.redis.connection import RedisAway, RedisLink, RedisRefused
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.integration

# So slow that nothing comes back while a test runs: a call costs 100 s, and a burst has three.
PER_SECOND, BURST = 0.01, 3
CALL_SECONDS, BURST_SECONDS = 1 / PER_SECOND, BURST / PER_SECOND
# Longer than a cache may take: here it is the machine that is slow.
ANSWER_SECONDS_MAX = 5.0


class Clock:
    """A clock that is set by hand."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class Process:
    """One process's limit, and the part that shares it."""

    limit: RateLimit
    sharing: Loop
    clock: Clock

    async def share(self) -> bool:
        """One pass; whether there is more to tell."""
        return await self.sharing.run_once()

    def takes(self, key: str, calls: int) -> int:
        """How many of so many calls are let in."""
        return sum(self.limit.take(key) == 0.0 for _ in range(calls))


@pytest.fixture
async def stack() -> AsyncGenerator[AsyncExitStack]:
    """What closes the links."""
    async with AsyncExitStack() as opened:
        yield opened


def _process(stack: AsyncExitStack, url: str, name: str) -> Process:
    clock = Clock()
    link = RedisLink(
        url, "tests", answer_seconds_max=ANSWER_SECONDS_MAX, breaker=CircuitBreaker(failures_max=2, open_seconds=0.0)
    )
    stack.push_async_callback(link.close)
    limit = RateLimit(name, PER_SECOND, BURST, clock)
    return Process(limit, limit.sharing(link), clock)


@pytest.fixture
def two(stack: AsyncExitStack, redis_url: str) -> tuple[Process, Process]:
    """Two processes with one limit."""
    name = f"tests-{uuid4()}"
    return _process(stack, redis_url, name), _process(stack, redis_url, name)


async def test_what_one_process_let_in_is_refused_by_the_other_once_it_has_heard_of_it(
    two: tuple[Process, Process],
) -> None:
    one, other = two
    assert one.takes("anna", 10) == BURST
    await one.share()
    assert other.takes("anna", 1) == 1
    await other.share()
    assert other.limit.take("anna") == pytest.approx(2 * CALL_SECONDS, abs=ANSWER_SECONDS_MAX)
    assert other.takes("bela", 10) == BURST


async def test_a_key_spread_over_processes_gets_each_ones_burst_once_and_then_the_rate_of_one(
    two: tuple[Process, Process],
) -> None:
    assert [process.takes("anna", 10) for process in two] == [BURST, BURST]
    for process in (*two, two[0]):
        await process.share()
    # Twice the burst is owed, so that the first call comes back after one burst and one call.
    two[1].clock.now += BURST_SECONDS - ANSWER_SECONDS_MAX
    assert two[1].takes("anna", 1) == 0
    two[1].clock.now += CALL_SECONDS + 2 * ANSWER_SECONDS_MAX
    assert two[1].takes("anna", 10) == 1


async def test_a_key_over_its_limit_everywhere_owes_two_bursts_and_no_more(
    stack: AsyncExitStack, redis_url: str
) -> None:
    name = f"tests-{uuid4()}"
    for _ in range(5):
        process = _process(stack, redis_url, name)
        assert process.takes("anna", 10) == BURST
        await process.share()
    last = _process(stack, redis_url, name)
    assert last.takes("anna", 1) == 1
    await last.share()
    owed = SHARED_BURSTS_MAX * BURST_SECONDS + CALL_SECONDS - BURST_SECONDS
    assert last.limit.take("anna") == pytest.approx(owed, abs=ANSWER_SECONDS_MAX)


async def test_refused_calls_are_not_shared(two: tuple[Process, Process]) -> None:
    one, other = two
    assert one.takes("anna", 1_000) == BURST
    await one.share()
    assert other.takes("anna", 1) == 1
    await other.share()
    assert other.limit.take("anna") == pytest.approx(2 * CALL_SECONDS, abs=ANSWER_SECONDS_MAX)


async def test_more_keys_than_one_pass_shares_are_shared_by_the_next(two: tuple[Process, Process]) -> None:
    one, other = two
    keys = [str(number) for number in range(SHARED_KEYS_MAX + 1)]
    assert [one.takes(key, 10) for key in keys] == [BURST] * len(keys)
    assert [await one.share(), await one.share(), await one.share()] == [True, False, False]
    for key in (keys[0], keys[-1]):
        assert other.takes(key, 1) == 1
    await other.share()
    assert [other.takes(key, 1) for key in (keys[0], keys[-1])] == [0, 0]


async def test_limits_of_different_names_do_not_meet(stack: AsyncExitStack, redis_url: str) -> None:
    users, addresses = (_process(stack, redis_url, f"tests-{uuid4()}") for _ in range(2))
    assert users.takes("anna", 10) == BURST
    await users.share()
    assert addresses.takes("anna", 1) == 1
    await addresses.share()
    assert addresses.takes("anna", 10) == BURST - 1


async def test_all_keys_of_one_pass_are_in_one_slot_of_a_cluster(two: tuple[Process, Process], redis_url: str) -> None:
    """A cluster refuses a script that names keys of several slots."""
    one, _ = two
    for user in range(20):
        one.takes(f"user-{user}", 1)
    await one.share()
    pool: Any = ConnectionPool(**parse_url(redis_url), decode_responses=True)
    client: Any = Redis.from_pool(pool)
    async with client as redis:
        keys: list[str] = await redis.keys(f"*{one.limit.name}*")
    assert len(keys) == 20
    assert len({key_slot(key.encode()) for key in keys}) == 1


@pytest.mark.fault
async def test_with_redis_away_each_process_limits_for_itself_and_shares_again_when_it_is_back(
    stack: AsyncExitStack, mortal_redis: RedisServer
) -> None:
    name = f"tests-{uuid4()}"
    one, other = _process(stack, mortal_redis.url, name), _process(stack, mortal_redis.url, name)
    await asyncio.to_thread(mortal_redis.kill)
    for process in (one, other):
        assert process.takes("anna", 10) == BURST
        with pytest.raises(RedisAway):
            await process.share()
        assert process.takes("anna", 10) == 0
    # What could not be shared is charged once.
    await asyncio.to_thread(mortal_redis.start)
    assert not await one.share()
    assert one.takes("bela", 10) == BURST
    await one.share()
    assert other.takes("bela", 1) == 1
    await other.share()
    assert other.takes("bela", 1) == 0


@pytest.mark.fault
async def test_with_nonsense_in_redis_each_process_limits_for_itself(
    two: tuple[Process, Process], redis_url: str
) -> None:
    one, other = two
    pool: Any = ConnectionPool(**parse_url(redis_url))
    async with Redis.from_pool(pool) as redis:
        await redis.rpush(f"gavel:limit:{{{one.limit.name}}}:anna", "what is this")
    for process in (one, other):
        assert process.takes("anna", 10) == BURST
        with pytest.raises(RedisRefused):
            await process.share()
        assert process.takes("anna", 10) == 0
