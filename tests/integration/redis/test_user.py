"""A user of Redis with the rights that the deployment page gives it: enough, and no more."""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from gavel.bids.adapters.redis.item_texts import ItemTexts, RedisItemTexts
from gavel.runtime.http.rate_limits import RateLimit
from gavel.runtime.redis.connection import RedisLink
from tests.auction_house import until
from tests.integration.redis.board_house import open_board_house
from tests.servers.worker import own_name

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[3] / "docs" / "DEPLOYMENT.md"
PASSWORD = "for-tests-only"


@pytest.fixture
async def user_url(redis_url: str) -> AsyncGenerator[str]:
    """Where the page's user comes to the server."""
    [rights] = re.findall(r"^ACL SETUSER gavel (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    admin: Any = Redis.from_url(redis_url)  # pyright: ignore[reportUnknownMemberType]
    user = own_name("gavel")
    await admin.execute_command("ACL", "SETUSER", user, *rights.replace(">...", f">{PASSWORD}").split())
    parts = urlsplit(redis_url)
    yield urlunsplit(parts._replace(netloc=f"{user}:{PASSWORD}@{parts.netloc.rpartition('@')[2]}"))
    await admin.execute_command("ACL", "DELUSER", user)
    await admin.aclose()


async def test_boards_texts_and_limits_are_shared_as_the_user(bid_db_url: str, user_url: str) -> None:
    async with open_board_house(bid_db_url, user_url, "gavel", patient=True) as boards:
        item_id = await boards.house.list_item()
        await boards.house.bid(item_id, 100)
        await boards.until_shown_from_cache(item_id)
        await boards.house.bid(item_id, 200)
        await boards.until_shown_from_cache(item_id)
        texts, kept = RedisItemTexts(boards.link), ItemTexts("1", "A thing", "", ())
        await texts.store(item_id, kept)
        assert await texts.read(item_id) == kept
        assert await boards.link.problem() is None


async def test_a_limit_is_shared_as_the_user(user_url: str) -> None:
    key = str(uuid4())
    links = [RedisLink(user_url, "tests", answer_seconds_max=10) for _ in range(2)]
    mine, other = (RateLimit("user", 0.01, 5) for _ in links)
    async with mine.sharing(links[0]).running(), other.sharing(links[1]).running():
        for _ in range(5):
            assert mine.take(key) == 0

        async def learnt() -> bool:
            return other.take(key) > 0

        await until(learnt)
    for link in links:
        await link.close()


FORBIDDEN: dict[str, Callable[[Any], Awaitable[object]]] = {
    "another's key": lambda redis: redis.set("other:key", "1"),
    "to empty it": lambda redis: redis.flushall(),
    "to empty a database": lambda redis: redis.flushdb(),
    "to list all keys": lambda redis: redis.keys("*"),
    "to configure it": lambda redis: redis.config_get("*"),
    "to make users": lambda redis: redis.acl_list(),
    "to end it": lambda redis: redis.execute_command("SHUTDOWN"),
    "another's key in a script": lambda redis: redis.eval("return redis.call('GET', KEYS[1])", 1, "other:key"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
async def test_more_than_that_is_refused(user_url: str, what: str) -> None:
    redis: Any = Redis.from_url(user_url)  # pyright: ignore[reportUnknownMemberType]
    with pytest.raises(NoPermissionError):
        await FORBIDDEN[what](redis)
    await redis.aclose()
