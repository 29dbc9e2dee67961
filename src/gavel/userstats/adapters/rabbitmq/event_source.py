"""Event source on RabbitMQ: unacknowledged deliveries come again, from here or from the broker."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice, takewhile
from time import perf_counter

from aio_pika.abc import AbstractChannel
from aiormq.abc import DeliveredMessage
from opentelemetry.trace import SpanKind

from gavel.runtime.process.loops import wait_for
from gavel.runtime.rabbitmq.connection import BrokerAway, BrokerLink
from gavel.runtime.rabbitmq.topology import WorkQueue
from gavel.runtime.telemetry.tracing import is_sampled, record, valid
from gavel.userstats.ports import Delivery, Unavailable

# The same as the relay declares, so that events wait here whichever process starts first.
STATS_EVENTS = WorkQueue(exchange="auction.events", name="userstats.events", dead_letters="userstats.events.dead")
# Deliveries held here, with those that are being counted; a packed message has some 150 KB.
PREFETCH_MAX = 64
ANSWER_SECONDS_MAX = 3.0
TRACEPARENT_HEADER = "traceparent"

# The broker numbers the deliveries of each connection from 1 on; above that, a tag bears the connection's own number.
_TAGS_OF_A_CONNECTION = 2**40


class RabbitMqEventSource:
    """EventSource on a work queue, declared again where it was deleted."""

    def __init__(self, url: str, queue: WorkQueue = STATS_EVENTS, prefetch: int = PREFETCH_MAX) -> None:
        self._queue = queue
        self._prefetch = prefetch
        self._link = BrokerLink(url, "gavel-counter", self._start)
        self._connections = 0
        self._intake = _Intake(0)

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection to the broker, as far as this side has noticed."""
        return self._link.is_open

    async def take(self, deliveries_max: int, wait_seconds: float) -> Sequence[Delivery]:
        """See EventSource.take. Deliveries of a lost connection are dropped here: they come again under other tags."""
        await self._run(self._go_on)
        # Yields to the event loop: without it, a caller that only takes would never let more arrive.
        await asyncio.sleep(0)
        intake = self._intake
        if not intake.deliveries and intake.consumes:
            intake.changed.clear()
            await wait_for(intake.changed, wait_seconds)
        return list(islice(intake.deliveries.values(), deliveries_max))

    async def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See EventSource.ack."""
        intake = self._intake
        tags = {delivery.tag for delivery in deliveries}

        async def acknowledge(channel: AbstractChannel) -> None:
            if self._intake is intake:
                await intake.acknowledge(channel, tags & intake.deliveries.keys())

        await self._run(acknowledge)
        if any(tag < self._intake.first_tag for tag in tags):
            raise Unavailable("the connection that they came on was lost, so they come again")

    async def problem(self) -> str | None:
        """Readiness check: the reason why no events can come, or None."""
        return await self._link.problem()

    async def close(self) -> None:
        """Close the connection; the broker gives what was not acknowledged to another consumer."""
        await self._link.close()

    async def _run(self, work: Callable[[AbstractChannel], Awaitable[None]]) -> None:
        try:
            await self._link.run(work, ANSWER_SECONDS_MAX)
        except BrokerAway as error:
            raise Unavailable(str(error)) from error

    async def _start(self, channel: AbstractChannel) -> None:
        """Consume on a new connection, which starts with nothing held."""
        await self._queue.declare(channel)
        await channel.set_qos(prefetch_count=self._prefetch)
        self._connections += 1
        self._intake = _Intake(self._connections * _TAGS_OF_A_CONNECTION)
        await self._intake.consume(channel, self._queue.name)

    async def _go_on(self, channel: AbstractChannel) -> None:
        """Consume again if the broker ended it: the queue was deleted. Held deliveries stay held."""
        if not self._intake.consumes:
            await self._queue.declare(channel)
            await self._intake.consume(channel, self._queue.name)


class _Intake:
    """Unacknowledged deliveries of one connection, oldest first."""

    def __init__(self, first_tag: int) -> None:
        self.first_tag = first_tag
        self.deliveries: dict[int, Delivery] = {}
        # Arrival time and trace context of each delivery whose publisher's trace is sampled.
        self._traced: dict[int, tuple[float, str]] = {}
        self.consumes = False
        # Set when a delivery came, and when no more will come.
        self.changed = asyncio.Event()

    async def consume(self, channel: AbstractChannel, queue_name: str) -> None:
        amqp = await channel.get_underlay_channel()
        amqp.on_consumer_cancel_callbacks.add(self._end)
        channel.close_callbacks.add(self._end)
        self.consumes = True
        await amqp.basic_consume(queue_name, self._take_in)

    async def acknowledge(self, channel: AbstractChannel, tags: set[int]) -> None:
        amqp = await channel.get_underlay_channel()
        # A tag can acknowledge all that is held up to it.
        oldest = list(takewhile(tags.__contains__, self.deliveries))
        if oldest:
            await amqp.basic_ack(oldest[-1] - self.first_tag, multiple=True)
        for tag in sorted(tags.difference(oldest)):
            await amqp.basic_ack(tag - self.first_tag)
        for tag in tags:
            del self.deliveries[tag]
        if self._traced:
            self._record(tags)

    async def _take_in(self, message: DeliveredMessage) -> None:
        tag = self.first_tag + (message.delivery_tag or 0)
        self.deliveries[tag] = Delivery(tag, message.body)
        traceparent = (message.header.properties.headers or {}).get(TRACEPARENT_HEADER)
        if isinstance(traceparent, str) and is_sampled(valid(traceparent)):
            self._traced[tag] = perf_counter(), traceparent
        self.changed.set()

    def _record(self, tags: set[int]) -> None:
        """Record one span for these deliveries, from their arrival to their acknowledgement."""
        if traced := [self._traced.pop(tag) for tag in tags & self._traced.keys()]:
            record(
                "consume events",
                [traceparent for _, traceparent in traced],
                min(arrived_seconds for arrived_seconds, _ in traced),
                perf_counter(),
                kind=SpanKind.CONSUMER,
                attributes={"messaging.system": "rabbitmq", "messaging.batch.message_count": len(tags)},
            )

    def _end(self, *_: object) -> None:
        self.consumes = False
        self.changed.set()
