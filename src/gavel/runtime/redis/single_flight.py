"""Single flight: concurrent callers with the same key share one result, which is never older than their call."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class SingleFlight(Generic[K, T]):
    """Runs `load` once at a time for each key. A caller joins the next run that has not begun yet.

    A run in progress is not joined: it may have read data older than the call. So each key has at most two runs, one
    in progress and one that waits for it. A cancelled caller cancels no run; `load` must end in time.
    """

    def __init__(self, load: Callable[[K], Awaitable[T]]) -> None:
        self._load = load
        self._joinable: dict[K, asyncio.Task[T]] = {}
        self._under_way: dict[K, asyncio.Task[T]] = {}

    async def join(self, key: K) -> T:
        """What `load` returns or raises for this key, begun after this call."""
        shared = self._joinable.get(key)
        if shared is None:
            shared = asyncio.create_task(self._run(key), name=f"flight {key}")
            # All callers may have been cancelled: then nothing else would retrieve its exception.
            shared.add_done_callback(_seen)
            self._joinable[key] = shared
        return await asyncio.shield(shared)

    async def _run(self, key: K) -> T:
        this = self._joinable[key]
        if (before := self._under_way.get(key)) is not None:
            await asyncio.wait([before])
        del self._joinable[key]
        self._under_way[key] = this
        try:
            return await self._load(key)
        finally:
            if self._under_way.get(key) is this:
                del self._under_way[key]


def _seen(shared: "asyncio.Task[T]") -> None:
    if not shared.cancelled():
        shared.exception()
