"""Asking once for many: those who want the same share one answer, which is never older than their question."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class SingleFlight(Generic[K, T]):
    """Runs `load` once at a time for each key. Whoever asks joins the next run that has not begun yet.

    A run that is under way is not joined: what it has read may be older than the question. So each key has at most
    two runs, one under way and one that waits for it. A caller that goes away cancels nothing; `load` must end in time.
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
            # Everyone who asked may have gone: then nobody else would look at what it raised.
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
