"""In-process broker: bounded, in memory; at least once, since a publisher waits for the consumer's acknowledgement."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count, islice

MESSAGES_MAX = 64


class BrokerClosed(Exception):
    """The process is stopping: the publisher must keep what was not acknowledged."""


@dataclass(frozen=True, slots=True)
class Message:
    """A published message, with a number that the broker assigned."""

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
        """Publish (routing key, body) pairs, and return when the consumer has acknowledged every one.

        Waits for room. If cancelled, it withdraws messages that the consumer has not taken, so that retries do not
        pile up copies. Raises BrokerClosed; then some may have been consumed all the same.
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
        """Return the oldest unacknowledged messages, taken before or not. Waits for the first; empty at the timeout."""
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
        """Acknowledge consumed messages by their numbers; a second time changes nothing."""
        for number in numbers:
            self._unacked.pop(number, None)
        self._tell()

    def close(self) -> None:
        """Refuse new messages and fail waiting publishers; held messages can still be taken."""
        self._closed = True
        self._tell()

    async def _until(self, true: Callable[[], bool]) -> None:
        while not true():
            await self._changed.wait()

    def _tell(self) -> None:
        """Wake all waiters; later waiters wait for the next change."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
