"""A transport that keeps the promise of at-least-once and no other: it repeats, reorders, fails late, forgets acks."""

import asyncio
import random
from collections.abc import Sequence
from itertools import count

from gavel.bids.ports.outbox import EventsNotPublished, OutboxMessage
from gavel.userstats.ports import Delivery

REPEATED = 0.3
FAILED_LATE = 0.2
ACK_LOST = 0.3


class RoughRoad:
    """Publisher and source at once. What was published stays until an acknowledgement gets through.

    The first publishing fails and the first acknowledgement is lost, so that no day is smooth by luck: how often either
    is called, and so how often the dice fall, is the machine's.
    """

    def __init__(self, seed: str) -> None:
        self._dice = random.Random(seed)
        self._numbers = count(1)
        self._bodies: dict[int, bytes] = {}
        self.failures = 0
        self.acks_lost = 0
        self.smooth = False

    @property
    def empty(self) -> bool:
        """Whether everything was acknowledged."""
        return not self._bodies

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        """Keep the messages; now and then only some of them, and always saying no afterwards: the relay has died."""
        fails = self.failures == 0 or (not self.smooth and self._dice.random() < FAILED_LATE)
        kept = messages[: self._dice.randint(0, len(messages))] if fails else messages
        for message in kept:
            self._bodies[next(self._numbers)] = message.body
        await asyncio.sleep(0)
        if fails:
            self.failures += 1
            raise EventsNotPublished("the broker was lost from sight")

    async def take(self, deliveries_max: int, wait_seconds: float) -> Sequence[Delivery]:
        """Some of what is kept, in any order, some of it twice."""
        await asyncio.sleep(0)
        numbers = list(self._bodies)
        taken = self._dice.sample(numbers, min(len(numbers), self._dice.randint(1, deliveries_max)))
        taken += [number for number in taken if self._dice.random() < REPEATED]
        self._dice.shuffle(taken)
        return [Delivery(number, self._bodies[number]) for number in taken]

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Let go of the deliveries; now and then not: the counter has died right before."""
        if self.acks_lost == 0 or (not self.smooth and self._dice.random() < ACK_LOST):
            self.acks_lost += 1
            return
        for delivery in deliveries:
            self._bodies.pop(delivery.tag, None)
