"""Rate limits by key: decided in memory at once, and shared with the other processes through Redis a moment later.

Each process keeps a bucket for each key. At intervals it adds the calls that it admitted to a shared bucket in Redis,
and reads how full that is. No call waits for Redis, and without Redis every process limits for itself. So a key that
is spread over several processes gets its burst from each, once, and after that the rate of one.
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
# The shared bucket counts at most this many bursts, so that a key that overran in all processes is admitted again soon.
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
        # When each key's bucket is full again. A key whose time has passed is the same as an absent one.
        self._full_at: dict[str, float] = {}
        self._unshared: dict[str, int] = {}
        self._is_shared = False

    def take(self, key: str, cost: int = 1) -> float:
        """Admit a call of this cost and return 0, or refuse it and return the seconds until it may come."""
        now = self._clock()
        full_at = max(self._full_at.get(key, 0.0), now) + cost * self._call_seconds
        wait_seconds = full_at - now - self._burst_seconds
        if wait_seconds > 1e-9:
            self.refused += 1
            return wait_seconds
        if len(self._full_at) >= KEYS_MAX and key not in self._full_at:
            self._make_room(now)
        self._full_at[key] = full_at
        if self._is_shared and (key in self._unshared or len(self._unshared) < KEYS_MAX):
            self._unshared[key] = self._unshared.get(key, 0) + cost
        return 0.0

    def used_seconds(self, key: str) -> float:
        """How long until the key's bucket is full again."""
        return max(self._full_at.get(key, 0.0) - self._clock(), 0.0)

    def sharing(self, link: RedisLink) -> Loop:
        """Make the loop that shares admitted calls with the other processes, in both directions."""
        self._is_shared = True

        async def share() -> bool:
            keys = list(islice(self._unshared, SHARED_KEYS_MAX))
            if not keys:
                return False
            counts = [self._unshared.pop(key) for key in keys]
            await self._share(link, keys, counts)
            return len(keys) == SHARED_KEYS_MAX

        # RedisLink logs an outage itself. Counts that could not be shared are dropped, so none is charged twice.
        return Loop(f"share {self.name} limits", share, SHARE_SECONDS, (RedisAway, RedisRefused))

    async def _share(self, link: RedisLink, keys: Sequence[str], counts: Sequence[int]) -> None:
        # The braces are a hash tag: on a cluster a script may only use keys of one slot.
        names = [f"gavel:limit:{{{self.name}}}:{key}" for key in keys]
        arguments = [self._call_seconds, SHARED_BURSTS_MAX * self._burst_seconds, *counts]

        async def spend(redis: Any) -> list[str]:
            return await redis.eval(_SPEND, len(names), *names, *arguments)

        debts = await link.run(spend)
        now = self._clock()
        for key, debt in zip(keys, debts, strict=True):
            self._full_at[key] = max(self._full_at.get(key, 0.0), now + float(debt))

    def _make_room(self, now: float) -> None:
        """Drop the keys whose buckets are full again; while that is not enough, those that came first."""
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        while len(self._full_at) >= KEYS_MAX:
            del self._full_at[next(iter(self._full_at))]
