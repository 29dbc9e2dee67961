"""How many calls someone may make: decided in memory at once, and told to the other processes a moment later.

Each process keeps a bucket for each key. What it has let in it adds now and then to a bucket in Redis that all share,
and learns how full that is: no call waits for Redis, and without it every process limits for itself. So a key that is
spread over several processes gets its burst from each, once, and after that the rate of one.
"""

import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from gavel.runtime.process.loops import Loop
from gavel.runtime.redis.connection import RedisAway, RedisLink, RedisRefused, load_lua

# About 15 MB where all are in use.
KEYS_MAX = 100_000
SHARE_SECONDS = 0.25
SHARED_KEYS_MAX = 1_000
# The shared bucket remembers up to so many bursts: whoever overdid it everywhere at once is let in again soon.
SHARED_BURSTS_MAX = 2

_SPEND = load_lua(__package__, "spend")


class RateLimit:
    """At most `per_second` calls a second and key on average, and `burst` at once (GCRA: one number a key)."""

    def __init__(self, name: str, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.refused = 0
        self._call_seconds = 1 / per_second
        self._burst_seconds = burst / per_second
        self._clock = clock
        # When each key's bucket is full again; a key whose moment has passed is as good as one that is not here.
        self._full_at: dict[str, float] = {}
        self._unshared: dict[str, int] = {}
        self._is_shared = False

    def take(self, key: str) -> float:
        """Let one call in, and return 0; or refuse it, and return after how many seconds the next may come."""
        now = self._clock()
        full_at = max(self._full_at.get(key, 0.0), now) + self._call_seconds
        wait_seconds = full_at - now - self._burst_seconds
        if wait_seconds > 1e-9:
            self.refused += 1
            return wait_seconds
        if len(self._full_at) >= KEYS_MAX and key not in self._full_at:
            self._make_room(now)
        self._full_at[key] = full_at
        if self._is_shared and (key in self._unshared or len(self._unshared) < KEYS_MAX):
            self._unshared[key] = self._unshared.get(key, 0) + 1
        return 0.0

    def sharing(self, link: RedisLink) -> Loop:
        """The part that tells the other processes what was let in here, and learns what was let in there."""
        self._is_shared = True

        async def share() -> bool:
            keys = list(islice(self._unshared, SHARED_KEYS_MAX))
            if not keys:
                return False
            counts = [self._unshared.pop(key) for key in keys]
            await self._share(link, keys, counts)
            return len(keys) == SHARED_KEYS_MAX

        # Redis says itself when it is away. What could not be told is let go: nobody is charged for it twice.
        return Loop(f"share {self.name} limits", share, SHARE_SECONDS, (RedisAway, RedisRefused))

    async def _share(self, link: RedisLink, keys: Sequence[str], counts: Sequence[int]) -> None:
        names = [f"gavel:limit:{self.name}:{key}" for key in keys]
        arguments = [self._call_seconds, SHARED_BURSTS_MAX * self._burst_seconds, *counts]

        async def spend(redis: Any) -> list[str]:
            return await redis.eval(_SPEND, len(names), *names, *arguments)

        debts = await link.run(spend)
        now = self._clock()
        for key, debt in zip(keys, debts, strict=True):
            self._full_at[key] = max(self._full_at.get(key, 0.0), now + float(debt))

    def _make_room(self, now: float) -> None:
        """Forget the keys whose buckets are full again; where there are none, those that came first."""
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        while len(self._full_at) >= KEYS_MAX:
            del self._full_at[next(iter(self._full_at))]
