"""The texts of items in Redis."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.exceptions import ResponseError

from gavel.bids.domain.ids import ItemId
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
    """What was stored last of each item, as JSON. It may be old: the version tells."""

    def __init__(self, link: RedisLink, prefix: str = "gavel") -> None:
        self._link = link
        self._prefix = prefix

    async def read(self, item_id: ItemId) -> ItemTexts | None:
        """The texts that are kept; None where none are. Raises CacheAway."""

        async def work(redis: Any) -> str | None:
            try:
                return await redis.get(self._key(item_id))
            except ResponseError:
                # A wrong type: as good as nothing, and replaced when the texts are stored.
                return None

        stored = await self._asked(work)
        try:
            return None if stored is None else _texts(json.loads(stored))
        except (ValueError, RecursionError):
            # Somebody else's writing: the same.
            return None

    async def store(self, item_id: ItemId, texts: ItemTexts) -> None:
        """Keep these texts, whatever is there. Raises CacheAway."""
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
    """Raises ValueError where it is none."""
    match stored:
        case [str(version), str(title), str(description), *images]:
            return ItemTexts(version, title, description, tuple(str(image) for image in images))
        case _:
            raise ValueError("not the texts of an item")
