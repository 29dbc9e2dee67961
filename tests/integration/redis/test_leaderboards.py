"""Redis keeps the promises of a cache of leaderboards, and what others do to its keys costs no more than a board."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import parse_url

from gavel.bids.adapters.redis import leaderboards as redis_leaderboards
from gavel.bids.adapters.redis.leaderboards import KEEP_SECONDS, RedisLeaderboards
from gavel.runtime.redis.connection import RedisLink
from tests.suites.leaderboard_cache_suite import ALL, A, B, Bidding, C, LeaderboardCacheSuite

pytestmark = pytest.mark.integration


@pytest.fixture
def prefix() -> str:
    """What the keys of one test begin with."""
    return f"tests-{uuid4()}"


@pytest.fixture
async def cache(redis_url: str, prefix: str) -> AsyncGenerator[RedisLeaderboards]:
    """A cache with keys of its own."""
    link = RedisLink(redis_url, "tests", answer_seconds_max=10)
    yield RedisLeaderboards(link, prefix)
    await link.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncGenerator[Any]:
    """A client of the test's own, to look and to harm."""
    pool = ConnectionPool(**parse_url(redis_url), decode_responses=True, protocol=2)
    async with Redis.from_pool(pool) as client:
        yield client


@pytest.fixture
async def bidding(cache: RedisLeaderboards) -> Bidding:
    """An item whose board is kept: A at 10, B at 20."""
    bidding = Bidding()
    bidding.bid(A, 10)
    bidding.bid(B, 20)
    await cache.store(bidding.item_id, bidding.board(), whole=True)
    assert await cache.read(bidding.item_id, ALL) == bidding.board()
    return bidding


class TestRedisLeaderboards(LeaderboardCacheSuite):
    """The suite on a real server."""


async def _comes_back(cache: RedisLeaderboards, bidding: Bidding) -> None:
    await cache.store(bidding.item_id, bidding.board(), whole=True)
    await cache.apply([bidding.bid(C, 40)])
    assert await cache.read(bidding.item_id, ALL) == bidding.board()


@pytest.mark.parametrize("part", ["board", "order"])
@pytest.mark.parametrize("kind", ["string", "list", "zset", "hash"])
async def test_a_key_of_a_wrong_type_is_no_board_and_is_replaced(
    cache: RedisLeaderboards, redis: Any, prefix: str, bidding: Bidding, part: str, kind: str
) -> None:
    key = f"{prefix}:{{{bidding.item_id}}}:{part}"
    assert await redis.delete(key) == 1
    write = {
        "string": lambda: redis.set(key, "nonsense"),
        "list": lambda: redis.rpush(key, "nonsense"),
        "zset": lambda: redis.zadd(key, {"nonsense": 1}),
        "hash": lambda: redis.hset(key, "nonsense", "1"),
    }
    await write[kind]()
    assert await cache.read(bidding.item_id, ALL) is None
    await write[kind]()
    await cache.apply([bidding.bid(A, 30)])
    assert await cache.read(bidding.item_id, ALL) is None
    await write[kind]()
    await _comes_back(cache, bidding)


@pytest.mark.parametrize("part", ["board", "order"])
async def test_half_a_board_is_none(
    cache: RedisLeaderboards, redis: Any, prefix: str, bidding: Bidding, part: str
) -> None:
    assert await redis.delete(f"{prefix}:{{{bidding.item_id}}}:{part}") == 1
    assert await cache.read(bidding.item_id, ALL) is None
    await _comes_back(cache, bidding)


@pytest.mark.parametrize(
    ("field", "value"),
    [("revision", "x"), ("seq", ""), ("leader_seq", "1.5"), (A, "ten 2 1"), (A, ""), (A, "10 2"), (A, "10 2 1 0")],
    # A bidder's id is another in each run, and a test's name is not.
    ids=lambda part: "bidder" if part == A else part,
)
async def test_a_board_with_a_foreign_entry_is_forgotten(
    cache: RedisLeaderboards, redis: Any, prefix: str, bidding: Bidding, field: str, value: str
) -> None:
    await redis.hset(f"{prefix}:{{{bidding.item_id}}}:board", field, value)
    assert await cache.read(bidding.item_id, ALL) is None
    assert not await redis.exists(f"{prefix}:{{{bidding.item_id}}}:board")
    await _comes_back(cache, bidding)


async def test_one_bad_board_does_not_keep_the_changes_of_others_away(
    cache: RedisLeaderboards, redis: Any, prefix: str, bidding: Bidding
) -> None:
    other = Bidding()
    await cache.store(other.item_id, other.board(), whole=True)
    await redis.delete(key := f"{prefix}:{{{bidding.item_id}}}:board")
    await redis.set(key, "nonsense")
    await cache.apply([bidding.bid(A, 30), other.bid(A, 30)])
    assert await cache.read(bidding.item_id, ALL) is None
    assert await cache.read(other.item_id, ALL) == other.board()


async def test_no_key_stays_for_ever_and_every_name_begins_alike(
    cache: RedisLeaderboards, redis: Any, prefix: str, bidding: Bidding
) -> None:
    await cache.apply([bidding.bid(A, 30)])
    keys = sorted([key async for key in redis.scan_iter(f"{prefix}:*")])
    assert keys == [f"{prefix}:{{{bidding.item_id}}}:{part}" for part in ("board", "order")]
    for key in keys:
        assert 0 < await redis.ttl(key) <= KEEP_SECONDS


async def test_nothing_hidden_is_written(cache: RedisLeaderboards, redis: Any, prefix: str, bidding: Bidding) -> None:
    await cache.apply([bidding.bid(A, 30, 777_777_777)])
    board = await redis.hgetall(f"{prefix}:{{{bidding.item_id}}}:board")
    order = await redis.zrange(f"{prefix}:{{{bidding.item_id}}}:order", 0, -1, withscores=True)
    assert board[A].startswith("30 ")
    assert "777777777" not in f"{board} {order}"


async def test_scripts_that_the_server_has_forgotten_are_given_to_it_again(
    cache: RedisLeaderboards, redis: Any, bidding: Bidding
) -> None:
    await redis.script_flush()
    await cache.apply([bidding.bid(A, 30)])
    assert await cache.read(bidding.item_id, ALL) == bidding.board()
    await redis.script_flush()
    assert await cache.read(bidding.item_id, ALL) == bidding.board()


async def test_a_board_that_is_not_cached_is_looked_up_once_in_a_while_and_not_with_every_change(
    cache: RedisLeaderboards, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_leaderboards, "ABSENT_SECONDS", 600)
    bidding = Bidding()
    await cache.apply([bidding.bid(A, 1)])
    before = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    for amount in range(2, 50):
        await cache.apply([bidding.bid((A, B)[amount % 2 - 1], amount)])
    assert (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"] == before
    await cache.store(bidding.item_id, bidding.board(), whole=True)
    await cache.apply([bidding.bid(C, 60)])
    assert await cache.read(bidding.item_id, ALL) == bidding.board()


async def test_what_is_remembered_of_absent_boards_is_bounded(
    cache: RedisLeaderboards, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_leaderboards, "ABSENT_SECONDS", 600)
    monkeypatch.setattr(redis_leaderboards, "ABSENT_BOARDS_MAX", 10)
    items = [Bidding() for _ in range(25)]
    await cache.apply([item.bid(A, 1) for item in items])
    before = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    await cache.apply([item.bid(A, 2) for item in items])
    asked = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"] - before
    assert asked == len(items) - 10, "only those remembered are not asked for again"
