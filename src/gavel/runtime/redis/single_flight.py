"""Asking once for many: those who want the same share one answer, which is never older than their question."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class Flights(Generic[K, T]):
    """Runs `load` once at a time for each key. Whoever asks joins the next run that has not begun yet.

    A run that is under way is not joined: what it has read may be older than the question. So each key has at most
    two runs, one under way and one that waits for it. A caller that goes away cancels nothing; `load` must end in time.
    """

    def __init__(self, load: Callable[[K], Awaitable[T]]) -> None:
        self._load = load
        self._boarding: dict[K, asyncio.Task[T]] = {}
        self._under_way: dict[K, asyncio.Task[T]] = {}

    async def join(self, key: K) -> T:
        """What `load` returns or raises for this key, begun after this call."""
        flight = self._boarding.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fly(key), name=f"flight {key}")
            # Everyone who asked may have gone: then nobody else would look at what it raised.
            flight.add_done_callback(_seen)
            self._boarding[key] = flight
        return await asyncio.shield(flight)

    async def _fly(self, key: K) -> T:
        this = self._boarding[key]
        if (before := self._under_way.get(key)) is not None:
            await asyncio.wait([before])
        del self._boarding[key]
        self._under_way[key] = this
        try:
            return await self._load(key)
        finally:
            if self._under_way.get(key) is this:
                del self._under_way[key]


def _seen(flight: "asyncio.Task[T]") -> None:
    if not flight.cancelled():
        flight.exception()
