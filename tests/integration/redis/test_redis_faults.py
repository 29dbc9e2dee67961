"""Redis away, frozen, flushed, holding a wrong type: the same answers in time, bids unaffected, boards made anew."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import parse_url

from gavel.bids.api import open_bid_api
from gavel.bids.domain.auction import ItemId
from gavel.runtime.http.health import health_routes
from gavel.runtime.redis.connection import RedisAway
from tests.auction_house import new_user, soon, until
from tests.calls import client_of
from tests.integration.redis.board_house import READ_SECONDS_MAX, BoardHouse, open_board_house
from tests.servers.fault_proxy import FaultProxy, fault_proxy, upstream_of
from tests.servers.redis import RedisServer

pytestmark = [pytest.mark.integration, pytest.mark.fault]

BIDS = 30


@pytest.fixture
async def boards(shared_bid_db_url: str, mortal_redis: RedisServer) -> AsyncGenerator[BoardHouse]:
    """A process, as impatient as a real one."""
    async with open_board_house(shared_bid_db_url, mortal_redis.url, f"tests-{uuid4()}") as opened:
        yield opened


@pytest.fixture
async def redis(mortal_redis: RedisServer) -> AsyncGenerator[Any]:
    """A client of the test's own, to harm."""
    pool = ConnectionPool(**parse_url(mortal_redis.url), decode_responses=True, protocol=2)
    async with Redis.from_pool(pool) as client:
        yield client


async def _kept_board(boards: BoardHouse) -> ItemId:
    """A new item with bids, whose board is in the cache."""
    item_id = await boards.house.list_item()
    await boards.house.bid(item_id, 1)
    await boards.house.bid(item_id, 2)
    await boards.until_shown_from_cache(item_id)
    return item_id


async def _bids_and_boards_are_right(boards: BoardHouse, item_id: ItemId) -> None:
    """Every bid is accepted within its time and shown at once, as Postgres has it."""
    price = (await boards.house.state(item_id))["price"]
    for amount in range(price + 1, price + 1 + BIDS):
        answer = await boards.house.bid(item_id, amount, by=(user := new_user()), call=soon(READ_SECONDS_MAX))
        board = await boards.board(item_id)
        assert (board.seq, board.entries[0].user_id, board.entries[0].amount) == (answer.auction.seq, user, amount)
    assert await boards.board(item_id) == await boards.true_board(item_id)


async def _opened(boards: BoardHouse) -> None:
    """Read until the breaker has had enough."""
    item_id = await boards.house.list_item()
    while boards.breaker.is_closed:
        await boards.board(item_id)


async def test_redis_stopped_and_started_again(boards: BoardHouse, mortal_redis: RedisServer) -> None:
    item_id = await _kept_board(boards)
    await asyncio.to_thread(mortal_redis.kill)
    await _bids_and_boards_are_right(boards, item_id)
    await _opened(boards)
    await asyncio.to_thread(mortal_redis.start)
    await boards.until_shown_from_cache(item_id)
    await boards.house.bid(item_id, 1_000)
    await boards.until_cached(item_id)


async def test_redis_frozen_and_thawed_with_its_old_boards(boards: BoardHouse, mortal_redis: RedisServer) -> None:
    item_id, quiet = await _kept_board(boards), await _kept_board(boards)
    await asyncio.to_thread(mortal_redis.freeze)
    await _bids_and_boards_are_right(boards, item_id)
    await boards.house.bid(quiet, 777)
    await _opened(boards)
    await asyncio.to_thread(mortal_redis.thaw)
    assert await boards.board(quiet) == await boards.true_board(quiet)
    for each in (item_id, quiet):
        await boards.until_shown_from_cache(each)
        await boards.until_cached(each)


async def test_a_frozen_redis_costs_the_few_first_reads_one_short_wait_and_the_others_nothing(
    boards: BoardHouse, mortal_redis: RedisServer
) -> None:
    item_id = await _kept_board(boards)
    await asyncio.to_thread(mortal_redis.freeze)
    boards.breaker.open_seconds = 60
    reads = 0
    while boards.breaker.is_closed:
        await boards.board(item_id)
        reads += 1
    assert reads <= boards.breaker.failures_max
    with pytest.raises(RedisAway, match="lately"):
        await boards.link.run(lambda redis: redis.ping())
    await _bids_and_boards_are_right(boards, item_id)


async def test_redis_flushed(boards: BoardHouse, redis: Any) -> None:
    item_id = await _kept_board(boards)
    await redis.flushall()
    assert await boards.board(item_id) == await boards.true_board(item_id)
    await redis.flushall()
    await _bids_and_boards_are_right(boards, item_id)
    await boards.until_shown_from_cache(item_id)


async def test_redis_flushed_again_and_again_between_bids(boards: BoardHouse, redis: Any) -> None:
    item_id = await _kept_board(boards)
    for amount in range(10, 30):
        await boards.house.bid(item_id, amount)
        await redis.flushall()
        assert await boards.board(item_id) == await boards.true_board(item_id)


@pytest.mark.parametrize("part", ["board", "order"])
async def test_redis_holding_a_wrong_type(boards: BoardHouse, redis: Any, part: str) -> None:
    item_id = await _kept_board(boards)
    [key] = [key async for key in redis.scan_iter(f"*{item_id}*:{part}")]
    await redis.delete(key)
    await redis.rpush(key, "what is this")
    assert await boards.board(item_id) == await boards.true_board(item_id)
    await _bids_and_boards_are_right(boards, item_id)
    await boards.until_shown_from_cache(item_id)


async def test_redis_full(boards: BoardHouse, redis: Any) -> None:
    item_id = await _kept_board(boards)
    before = await redis.config_get("maxmemory", "maxmemory-policy")
    await redis.config_set("maxmemory-policy", "noeviction")
    await redis.config_set("maxmemory", "1")
    try:
        await _bids_and_boards_are_right(boards, item_id)
    finally:
        for name, value in before.items():
            await redis.config_set(name, value)
    await boards.until_shown_from_cache(item_id)


@pytest.fixture
async def proxy(mortal_redis: RedisServer) -> AsyncGenerator[FaultProxy]:
    """A way to Redis that can be harmed."""
    async with fault_proxy(upstream_of(mortal_redis.url)) as opened:
        yield opened


async def test_connections_cut_in_the_middle(
    shared_bid_db_url: str, mortal_redis: RedisServer, proxy: FaultProxy
) -> None:
    async with open_board_house(shared_bid_db_url, proxy.url(mortal_redis.url), f"tests-{uuid4()}") as boards:
        item_id = await _kept_board(boards)
        for amount in range(10, 30):
            proxy.cut_all()
            await boards.house.bid(item_id, amount)
            assert await boards.board(item_id) == await boards.true_board(item_id)
        await boards.until_shown_from_cache(item_id)


async def test_answers_that_never_come(shared_bid_db_url: str, mortal_redis: RedisServer, proxy: FaultProxy) -> None:
    async with open_board_house(shared_bid_db_url, proxy.url(mortal_redis.url), f"tests-{uuid4()}") as boards:
        item_id = await _kept_board(boards)
        proxy.swallow()
        await _bids_and_boards_are_right(boards, item_id)
        await _opened(boards)
        proxy.behave()
        proxy.cut_all()
        await boards.until_shown_from_cache(item_id)


async def test_readiness_shows_that_redis_is_away_and_does_not_fail_on_it(
    shared_bid_db_url: str, mortal_redis: RedisServer
) -> None:
    async with (
        open_bid_api(shared_bid_db_url, "USD", redis_url=mortal_redis.url) as api,
        client_of(health_routes(api.checks, api.shown)) as client,
    ):

        async def is_ready() -> bool:
            return (await client.get("/readyz")).json() == {"status": "ready"}

        await until(is_ready)
        await asyncio.to_thread(mortal_redis.kill)
        shown = await client.get("/readyz")
        assert (shown.status_code, shown.json()["status"]) == (200, "ready")
        assert "Redis" in shown.json()["redis"]
        await asyncio.to_thread(mortal_redis.start)

        async def is_back() -> bool:
            return "redis" not in (await client.get("/readyz")).json()

        await until(is_back)


async def test_the_whole_api_answers_with_a_redis_that_never_was_there(shared_bid_db_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"redis://127.0.0.1:{taken.getsockname()[1]}/0"
    await _bid_and_look(shared_bid_db_url, url)


async def test_the_whole_api_answers_with_redis(shared_bid_db_url: str, mortal_redis: RedisServer, redis: Any) -> None:
    item_id = await _bid_and_look(shared_bid_db_url, mortal_redis.url)
    assert len([key async for key in redis.scan_iter(f"gavel:*{item_id}*")]) == 2


async def _bid_and_look(bid_db_url: str, redis_url: str) -> str:
    """Through the service as clients know it: list an item, bid twice, see the board after each; the item's id."""
    async with (
        open_bid_api(bid_db_url, "USD", redis_url=redis_url) as api,
        client_of(api.routes) as client,
    ):

        async def call(method: str, **request: object) -> dict[str, Any]:
            headers = {"content-type": "application/json"}
            path = f"/bids.v1.BidService/{method}"
            reply = await client.post(path, content=json.dumps(request), headers=headers)
            assert reply.status_code == 200, reply.text
            return reply.json()

        end_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        item = await call("CreateItem", seller_id=new_user(), title="A thing", start_price=1, end_at=end_at)
        item_id = item["item"]["id"]
        for number, amount in enumerate((1_000, 10**15), start=1):
            user = new_user()
            await call("PlaceBid", item_id=item_id, user_id=user, amount=amount)
            board = await call("GetLeaderboard", item_id=item_id)
            first = {"userId": user, "amount": str(amount), "bidCount": "1"}
            assert (board["entries"][0], len(board["entries"])) == (first, number)
            assert board["seq"] == str(1 + number)
        return item_id
