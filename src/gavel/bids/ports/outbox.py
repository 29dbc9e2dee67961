"""Outbox ports: pending messages, and the publisher that sends them to the broker."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class EventsNotPublished(Exception):
    """The broker did not confirm every message; some may have been delivered all the same."""


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One message for the broker: a serialized `events.v1.EventBatch` of `event_count` events of one routing key.

    `traces` are the W3C trace contexts of those events whose traces are sampled, each once.
    """

    routing_key: str
    body: bytes
    event_count: int
    traces: tuple[str, ...] = ()


class EventPublisher(Protocol):
    """Publisher of messages to the broker."""

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        """Publish, and return when the broker has confirmed every message. At least once; order is not kept.

        Raises EventsNotPublished, within a bounded time.
        """
        ...


class Outbox(Protocol):
    """Messages that are still to be published."""

    async def relay(self, publish: Callable[[Sequence[OutboxMessage]], Awaitable[None]], rows_max: int) -> int:
        """Claim up to `rows_max` rows, publish them, and delete them if and only if `publish` returned.

        Claims of several relays never overlap. Returns the number of events relayed, 0 if nothing was pending.
        Raises what `publish` raises, or Unavailable; then the rows are still pending.
        """
        ...
