"""Cache of item texts in Redis."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.exceptions import ResponseError

from gavel.bids.domain.auction import ItemId
from gavel.bids.ports.leaderboards import CacheAway
from gavel.runtime.redis.connection import RedisAway, RedisLink, RedisRefused

KEEP_SECONDS = 600

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ItemTexts:
    """An item's texts, and which version of them it is."""

    version: str
    title: str
    description: str
    images: tuple[str, ...]


class RedisItemTexts:
    """Cache of each item's texts, as JSON. An entry may be old: compare its version."""

    def __init__(self, link: RedisLink, prefix: str = "gavel") -> None:
        self._link = link
        self._prefix = prefix

    async def read(self, item_id: ItemId) -> ItemTexts | None:
        """The cached texts, or None. Raises CacheAway."""

        async def work(redis: Any) -> str | None:
            try:
                return await redis.get(self._key(item_id))
            except ResponseError:
                # A key of the wrong type counts as absent. `store` replaces it.
                return None

        stored = await self._asked(work)
        try:
            return None if stored is None else _texts(json.loads(stored))
        except (ValueError, RecursionError):
            # Not in this adapter's format: counts as absent too.
            return None

    async def store(self, item_id: ItemId, texts: ItemTexts) -> None:
        """Store these texts in place of any that are there. Raises CacheAway."""
        stored = json.dumps([texts.version, texts.title, texts.description, *texts.images])
        await self._asked(lambda redis: redis.set(self._key(item_id), stored, ex=KEEP_SECONDS))

    def _key(self, item_id: ItemId) -> str:
        return f"{self._prefix}:{{{item_id}}}:texts"

    async def _asked(self, work: Callable[[Any], Awaitable[T]]) -> T:
        try:
            return await self._link.run(work)
        except (RedisAway, RedisRefused) as error:
            raise CacheAway(str(error)) from error


def _texts(stored: Any) -> ItemTexts:
    """Parse an item's texts from decoded JSON. Raises ValueError."""
    match stored:
        case [str(version), str(title), str(description), *images]:
            return ItemTexts(version, title, description, tuple(str(image) for image in images))
        case _:
            raise ValueError("not the texts of an item")
