"""Redis refuses: the log and the readiness details name its reason and what to do, and no secret."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from gavel.bids.api import open_bid_api
from gavel.runtime.http.health import health_routes
from gavel.runtime.redis.connection import RedisAway, RedisLink, RedisRefused
from tests.auction_house import until
from tests.calls import client_of
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.integration

PASSWORD = "s3cret-password"
KEY = "gavel:s3cret-key"
OTHER_KEY = "other:s3cret-key"


@pytest.fixture
async def admin(mortal_redis: RedisServer) -> AsyncGenerator[Any]:
    """A connection of the operator's, which stays whatever the others must not do; all is as before afterwards."""
    client: Any = Redis.from_url(mortal_redis.url, single_connection_client=True)  # pyright: ignore[reportUnknownMemberType]
    await client.ping()
    kept = await client.config_get("maxmemory", "maxmemory-policy")
    yield client
    await client.execute_command("REPLICAOF", "NO", "ONE")
    await client.config_set("requirepass", "")
    for name, value in kept.items():
        await client.config_set(name, value)
    await client.execute_command("ACL", "DELUSER", "poor")
    await client.delete(KEY)
    await client.aclose()


@asynccontextmanager
async def a_link(url: str, *, refusal_seconds: float = 60.0) -> AsyncGenerator[RedisLink]:
    link = RedisLink(url, "tests", answer_seconds_max=10, refusal_seconds=refusal_seconds)
    yield link
    await link.close()


def url_of(server: RedisServer, user: str, password: str) -> str:
    parts = urlsplit(server.url)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc.rpartition('@')[2]}"))


async def set_key(redis: Any) -> None:
    await redis.set(KEY, "s3cret-value")


async def _told(url: str, work: Callable[[Any], Awaitable[object]] = set_key) -> tuple[str, str | None, list[Any]]:
    """What a caller, the readiness details and the log get."""
    said = ""
    async with a_link(url) as link:
        with capture_logs() as logs:
            for _ in range(3):
                with pytest.raises((RedisAway, RedisRefused)) as raised:
                    await link.run(work)
                said = str(raised.value)
            problem = await link.problem()
    assert "s3cret" not in f"{said}{problem}{logs}"
    return said, problem, [entry for entry in logs if entry["event"] == "redis_refused"]


async def _is_told(url: str, code: str, remedy: str, work: Callable[[Any], Awaitable[object]] = set_key) -> None:
    said, problem, logged = await _told(url, work)
    assert said.startswith(f"Redis refuses with {code}: ")
    assert remedy in said
    assert problem == said
    assert [(entry["code"], remedy in entry["remedy"]) for entry in logged] == [(code, True)]


async def test_a_missing_password_is_named(mortal_redis: RedisServer, admin: Any) -> None:
    await admin.config_set("requirepass", PASSWORD)
    await _is_told(mortal_redis.url, "NOAUTH", "REDIS_URL")


async def test_a_wrong_password_is_named(mortal_redis: RedisServer, admin: Any) -> None:
    await admin.config_set("requirepass", PASSWORD)
    await _is_told(url_of(mortal_redis, "", f"{PASSWORD}-no-more"), "WRONGPASS", "REDIS_URL")


async def test_a_password_that_the_server_does_not_want_is_named(mortal_redis: RedisServer) -> None:
    await _is_told(url_of(mortal_redis, "", PASSWORD), "ERR", "take it out of REDIS_URL")


@pytest.mark.parametrize("what", ["a key", "a command"])
async def test_a_right_that_a_user_lacks_is_named(mortal_redis: RedisServer, admin: Any, what: str) -> None:
    rights = ("~gavel:*", "+@all") if what == "a key" else ("~*", "+@connection")
    await admin.execute_command("ACL", "SETUSER", "poor", "on", f">{PASSWORD}", *rights)
    await _is_told(
        url_of(mortal_redis, "poor", PASSWORD), "NOPERM", "ACL SETUSER", lambda redis: redis.set(OTHER_KEY, "1")
    )


async def test_a_replica_is_named(mortal_redis: RedisServer, admin: Any) -> None:
    await admin.execute_command("REPLICAOF", "127.0.0.1", "1")
    await _is_told(mortal_redis.url, "READONLY", "primary")


async def test_a_full_memory_is_named(mortal_redis: RedisServer, admin: Any) -> None:
    await admin.config_set("maxmemory-policy", "noeviction")
    await admin.config_set("maxmemory", "1")
    await _is_told(mortal_redis.url, "OOM", "maxmemory")


async def test_a_key_of_another_type_is_named(mortal_redis: RedisServer, admin: Any) -> None:
    await admin.set(KEY, "s3cret-value")
    await _is_told(mortal_redis.url, "WRONGTYPE", "database of its own", lambda redis: redis.lrange(KEY, 0, 1))


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("DENIED Redis is running in protected mode because protected mode is enabled and no password", "REDIS_URL"),
        ("LOADING Redis is loading the dataset in memory", "wait"),
        ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist s3cret", "disk"),
        ("ERR max number of clients reached", "maxclients"),
        ("STRANGE s3cret is what no release has said yet", "its own log"),
    ],
)
async def test_a_server_that_greets_everyone_with_an_error_is_named_by_it(line: str, remedy: str) -> None:
    """As protected mode does: the line, whatever is asked, and the end of the connection."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(f"-{line}\r\n".encode())
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        await _is_told(url, line.split(maxsplit=1)[0], remedy)


async def test_what_was_mended_is_shown_no_more_after_a_while(mortal_redis: RedisServer, admin: Any) -> None:
    async with a_link(mortal_redis.url, refusal_seconds=0.2) as link:
        await admin.set(KEY, "1")
        with pytest.raises(RedisRefused):
            await link.run(lambda redis: redis.lrange(KEY, 0, 1))
        assert "WRONGTYPE" in (await link.problem() or "")

        async def is_fine() -> bool:
            return await link.problem() is None

        await until(is_fine)


async def test_readiness_shows_the_refusal_and_does_not_fail_on_it(
    shared_bid_db_url: str, mortal_redis: RedisServer, admin: Any
) -> None:
    await admin.config_set("requirepass", PASSWORD)
    async with (
        open_bid_api(shared_bid_db_url, "USD", redis_url=mortal_redis.url) as api,
        client_of(health_routes(api.checks, api.shown)) as client,
    ):

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(is_ready)
        shown = (await client.get("/readyz")).json()
    assert shown["status"] == "ready"
    assert shown["redis"].startswith("Redis refuses with NOAUTH: ")
