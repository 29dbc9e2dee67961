"""A work queue of a test's own on a real RabbitMQ, with the words a test needs to look at it and to harm it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, HeadersType
from pamqp.commands import Queue

from gavel.bids.adapters.rabbitmq.publisher import RabbitMqPublisher
from gavel.runtime.rabbitmq.connection import passing_channel
from gavel.runtime.rabbitmq.topology import WorkQueue
from gavel.userstats.adapters.rabbitmq.event_source import RabbitMqEventSource

PATIENCE_SECONDS = 60.0


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = PATIENCE_SECONDS) -> None:
    """Return as soon as the condition holds. Raises TimeoutError where it never does."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - what it waits for happens in another process
            await asyncio.sleep(0.01)


async def is_lost(user: RabbitMqPublisher | RabbitMqEventSource) -> bool:
    """Whether a user of the broker has noticed that its connection is gone."""
    return not user.is_connected


async def _nothing(_: AbstractChannel) -> None:
    """What a channel needs to look around."""


@dataclass(frozen=True, slots=True)
class Broker:
    """One vhost and the names of one test on it."""

    url: str
    queue: WorkQueue

    async def publish(self, *bodies: bytes) -> None:
        """Put messages into the queue, as a relay does, in this order."""
        async with passing_channel(self.url, "tests", self.queue.declare) as channel:
            exchange = await channel.get_exchange(self.queue.exchange, ensure=False)
            for body in bodies:
                await exchange.publish(aio_pika.Message(body, delivery_mode=2), "bid.placed")

    async def messages(self, queue_name: str | None = None) -> list[AbstractIncomingMessage]:
        """Take all that a queue has, for good."""
        async with passing_channel(self.url, "tests", _nothing) as channel:
            queue = await channel.get_queue(queue_name or self.queue.name)
            messages: list[AbstractIncomingMessage] = []
            while (message := await queue.get(fail=False)) is not None:
                messages.append(message)
            if messages:
                await messages[-1].ack(multiple=True)
            return messages

    async def bodies(self) -> list[bytes]:
        """Take all that the work queue has, for good; the bodies, sorted."""
        return sorted(message.body for message in await self.messages())

    async def ready(self) -> int:
        """How many messages wait in the work queue, those not counted that a consumer has."""
        return (await self._described()).message_count or 0

    async def consumers(self) -> int:
        """How many consume the work queue; 0 where there is no such queue."""
        try:
            return (await self._described()).consumer_count or 0
        except aio_pika.exceptions.ChannelNotFoundEntity:
            return 0

    async def _described(self) -> Queue.DeclareOk:
        async with passing_channel(self.url, "tests", _nothing) as channel:
            return (await channel.declare_queue(self.queue.name, passive=True)).declaration_result

    async def reject_one(self) -> None:
        """Have the broker give up the oldest message of the work queue."""
        async with passing_channel(self.url, "tests", _nothing) as channel:
            await (await (await channel.get_queue(self.queue.name)).get()).reject()

    async def deliver_again_and_again(self, body: bytes) -> int:
        """Take this oldest message and give it back until it comes no more; how often it came."""
        async with passing_channel(self.url, "tests", _nothing) as channel:
            queue = await channel.get_queue(self.queue.name)
            times = 0
            while (message := await queue.get()).body == body:
                times += 1
                await message.nack()
            await message.nack()
            return times

    async def put_dead(self, body: bytes, headers: HeadersType) -> None:
        """Put a message among the dead letters, as a stranger may."""
        async with passing_channel(self.url, "tests", self.queue.declare) as channel:
            exchange = await channel.get_exchange(self.queue.dead_letters, ensure=False)
            await exchange.publish(aio_pika.Message(body, headers=headers), "")

    async def delete_dead_letters(self) -> None:
        """Delete the queue of dead letters, with all that is in it."""
        await self._harm(lambda channel: channel.queue_delete(self.queue.dead_letters))

    async def delete_queue(self) -> None:
        """Delete the work queue, with all that is in it."""
        await self._harm(lambda channel: channel.queue_delete(self.queue.name))

    async def delete_exchange(self) -> None:
        """Delete the exchange, and with it the binding."""
        await self._harm(lambda channel: channel.exchange_delete(self.queue.exchange))

    async def delete_binding(self) -> None:
        """Delete the binding of the queue to the exchange."""

        async def unbind(channel: AbstractChannel) -> None:
            queue = await channel.get_queue(self.queue.name)
            await queue.unbind(self.queue.exchange, "#")

        await self._harm(unbind)

    async def delete_all(self) -> None:
        """Leave nothing behind."""
        async with passing_channel(self.url, "tests", _nothing) as channel:
            for queue in (self.queue.name, self.queue.dead_letters):
                await channel.queue_delete(queue)
            for exchange in (self.queue.exchange, self.queue.dead_letters):
                await channel.exchange_delete(exchange)

    async def _harm(self, work: Callable[[AbstractChannel], Awaitable[object]]) -> None:
        async with passing_channel(self.url, "tests", _nothing) as channel:
            await work(channel)
