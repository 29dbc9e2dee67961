"""The same search in what the four processes leave behind: logs, messages of both exchanges, Redis, and metrics."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import asyncpg
import httpx
import pytest
from aio_pika.abc import AbstractIncomingMessage
from redis.asyncio import Redis

from gavel_tools.local_servers.stack import Stack
from tests.e2e.four_processes import StackClient
from tests.e2e.test_secrets import RAISED, RESERVE, UNSTORABLE, Wiretap, found, use_all_of_it

pytestmark = pytest.mark.e2e


@asynccontextmanager
async def _overhearing(url: str) -> AsyncGenerator[list[tuple[str, bytes]]]:
    """All messages of both exchanges, by exchange."""
    heard = list[tuple[str, bytes]]()

    async def hear(message: AbstractIncomingMessage) -> None:
        heard.append((message.exchange or "", repr(message.headers).encode() + message.body))

    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        queue = await channel.declare_queue(exclusive=True)
        for exchange in ("auction.events", "auction.feed"):
            await queue.bind(exchange, "#")
        await queue.consume(hear, no_ack=True)
        yield heard


@asynccontextmanager
async def _refusing_to_store(url: str) -> AsyncGenerator[asyncpg.Connection]:
    """A table that takes one of the maxima for a mistake, as long as the context lasts."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"ALTER TABLE bids ADD CONSTRAINT planted CHECK (maximum <> {UNSTORABLE})")
        yield connection
    finally:
        await connection.execute("ALTER TABLE bids DROP CONSTRAINT IF EXISTS planted")
        await connection.close()


async def _kept_in_redis(url: str) -> list[tuple[str, bytes]]:
    """Everything that Redis holds, by key."""
    kept = list[tuple[str, bytes]]()
    redis: Any = Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType]
    async with redis:
        async for key in redis.scan_iter("*"):
            kind = (await redis.type(key)).decode()
            match kind:
                case "none":
                    # It has expired since it was listed, as what a rate limit spends does within a moment.
                    continue
                case "string":
                    value = await redis.get(key) or b""
                case "hash":
                    value = repr(await redis.hgetall(key)).encode()
                case "zset":
                    scored = await redis.zrange(key, 0, -1, withscores=True)
                    value = repr([(member, int(score)) for member, score in scored]).encode()
                case _:
                    raise AssertionError(f"{key!r} is a {kind}: no test looks into it")
            kept.append((key.decode(), key + value))
    return kept


async def test_no_reserve_and_no_maximum_is_found_in_what_the_four_processes_leave(shared_stack: Stack) -> None:
    stack, server = shared_stack, shared_stack.postgres.server
    async with (
        httpx.AsyncClient(timeout=30) as http,
        _refusing_to_store(server.url("bid_db")) as database,
        _overhearing(stack.rabbitmq.url) as heard,
    ):
        tap = Wiretap(StackClient(http, stack))
        await use_all_of_it(tap)
        for port in stack.ports.admin.values():
            await tap.page("/metrics", f"http://127.0.0.1:{port}")
        kept = await _kept_in_redis(stack.redis.url)
        stored = await database.fetchval("SELECT count(*) FROM auctions WHERE leader_maximum = $1", RAISED)
        planted = await database.fetchval("SELECT count(*) FROM auctions WHERE reserve_price = $1", RESERVE)
    logs = {path.name: path.read_bytes() for path in stack.folder.rglob("*.log")}

    assert [name for name, said in tap.said if found(said)] == []
    assert [exchange for exchange, body in heard if found(body)] == []
    assert [key for key, value in kept if found(value)] == []
    assert [(name, line) for name, log in logs.items() for line in log.splitlines() if found(line)] == []
    # All of it was there to be found, and was looked at.
    assert (stored, planted) == (2, 2)
    assert {exchange for exchange, _ in heard} == {"auction.events", "auction.feed"}
    assert {f"{name}.log" for name in stack.ports.admin} <= logs.keys()
    assert any(b"NotStorable" in log for log in logs.values())
    metrics = [said for name, said in tap.said if name == "/metrics"][-len(stack.ports.admin) :]
    assert all(b"\ngavel_" in said for said in metrics)
    assert kept != []
