"""A broker inside the process: bounded, in memory, and at least once because nobody lets go before the consumer has."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count, islice

MESSAGES_MAX = 64


class BrokerClosed(Exception):
    """The process is stopping: what was not acknowledged is the publisher's still."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a publisher gave, under a number of the broker's own."""

    number: int
    routing_key: str
    body: bytes


class InProcessBroker:
    """One queue, any number of publishers, one consumer. At most `messages_max` messages are held."""

    def __init__(self, messages_max: int = MESSAGES_MAX) -> None:
        self._messages_max = messages_max
        self._numbers = count(1)
        self._unacked: dict[int, Message] = {}
        self._last_taken = 0
        self._changed = asyncio.Event()
        self._closed = False

    async def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Hand over (routing key, body) pairs, and return when the consumer has acknowledged every one.

        Waits for room. A publisher that gives up takes back what the consumer has not seen, so that trying again
        does not pile up copies. Raises BrokerClosed; then some may have been consumed all the same.
        """
        mine: list[int] = []
        try:
            for routing_key, body in messages:
                await self._until(lambda: self._closed or len(self._unacked) < self._messages_max)
                if self._closed:
                    raise BrokerClosed
                number = next(self._numbers)
                self._unacked[number] = Message(number, routing_key, body)
                mine.append(number)
                self._tell()
            await self._until(lambda: self._closed or self._unacked.keys().isdisjoint(mine))
            if not self._unacked.keys().isdisjoint(mine):
                raise BrokerClosed
        finally:
            for number in mine:
                if number > self._last_taken:
                    self._unacked.pop(number, None)
            self._tell()

    async def take(self, messages_max: int, wait_seconds: float) -> list[Message]:
        """The oldest messages that are not acknowledged, taken before or not; waits for the first, and may be empty."""
        try:
            async with asyncio.timeout(wait_seconds):
                await self._until(lambda: self._closed or bool(self._unacked))
        except TimeoutError:
            return []
        taken = list(islice(self._unacked.values(), messages_max))
        if taken:
            self._last_taken = max(self._last_taken, taken[-1].number)
        return taken

    def ack(self, numbers: Iterable[int]) -> None:
        """Let go of what was consumed, by its numbers; acknowledging twice changes nothing."""
        for number in numbers:
            self._unacked.pop(number, None)
        self._tell()

    def close(self) -> None:
        """Refuse what is published from now on and fail what waits; what is held can still be taken."""
        self._closed = True
        self._tell()

    async def _until(self, true: Callable[[], bool]) -> None:
        while not true():
            await self._changed.wait()

    def _tell(self) -> None:
        """Wake all that wait; whoever waits after this waits for the next change."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
