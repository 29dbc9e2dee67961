"""Feed between processes: an exchange without persistent messages, and a queue for each listening process.

Bids never depend on it. What can't be sent at once is dropped, and read from the log by the processes that miss it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import structlog
from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractQueue
from aiormq.abc import DeliveredMessage

from gavel.bids.adapters.rabbitmq.feed_codec import MESSAGE_TYPE, NotOfTheFeed, feed_message, wanted_events
from gavel.bids.domain.feed_events import feed_events
from gavel.bids.ports.book import Change
from gavel.bids.ports.feed import FeedListener
from gavel.runtime.process.loops import Loop
from gavel.runtime.rabbitmq.connection import BrokerAway, BrokerLink

FEED_EXCHANGE = "auction.feed"

CHANGES_WAITING_MAX = 4_096
CHANGES_AT_ONCE_MAX = 256
# The first of several changes is sent at once. This pause after each message lets the next carry more commits: each
# costs its publisher and every listening process far more than the events in it do.
GATHER_SECONDS = 0.025
IDLE_SECONDS = 1.0
ANSWER_SECONDS_MAX = 2.0
# Messages that the broker keeps for a process that does not consume them.
QUEUE_MESSAGES_MAX = 1_000

_log = structlog.get_logger(__name__)


class RabbitMqFeedPublisher:
    """CommitListener that publishes to other processes. `changes_dropped` counts what they must read from the log."""

    def __init__(self, url: str, exchange: str = FEED_EXCHANGE) -> None:
        self._exchange = exchange
        self._link = BrokerLink(url, "gavel-feed-publisher", self._declare)
        self._waiting: deque[Change] = deque()
        self._wake = asyncio.Event()
        self.changes_dropped = 0

    def committed(self, changes: Sequence[Change]) -> None:
        """See CommitListener.committed."""
        for change in changes:
            if change.events:
                self._waiting.append(change)
        while len(self._waiting) > CHANGES_WAITING_MAX:
            self._waiting.popleft()
            self.changes_dropped += 1
        self._wake.set()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Publish inside the context."""
        try:
            async with Loop("feed-publisher", self._publish, IDLE_SECONDS, (BrokerAway,), self._wake).running():
                yield
        finally:
            await self._link.close()

    async def _publish(self) -> bool:
        """Send waiting changes as one message; return whether there were any."""
        count = min(len(self._waiting), CHANGES_AT_ONCE_MAX)
        if not count:
            return False
        changes = [self._waiting.popleft() for _ in range(count)]
        body = feed_message(event for change in changes for event in feed_events(change.events, change.auction))
        message = Message(body, type=MESSAGE_TYPE, delivery_mode=DeliveryMode.NOT_PERSISTENT)

        async def publish(channel: AbstractChannel) -> None:
            exchange = await channel.get_exchange(self._exchange, ensure=False)
            await exchange.publish(message, routing_key="events", mandatory=False)

        try:
            await self._link.run(publish, ANSWER_SECONDS_MAX)
        except BrokerAway:
            # By the time the broker is back, the other processes' feeds will have read these events from the log.
            self.changes_dropped += count + len(self._waiting)
            self._waiting.clear()
            raise
        await asyncio.sleep(GATHER_SECONDS)
        return True

    async def _declare(self, channel: AbstractChannel) -> None:
        await _declared(channel, self._exchange)


class RabbitMqFeed:
    """Consumer that passes the commits of other processes to a FeedListener while it runs."""

    def __init__(self, url: str, listener: FeedListener, exchange: str = FEED_EXCHANGE) -> None:
        self._exchange = exchange
        self._listener = listener
        self._link = BrokerLink(url, "gavel-feed", self._listen)
        self._listens_on: AbstractChannel | None = None
        self._queue: AbstractQueue | None = None
        self.messages_not_read = 0

    @property
    def is_listening(self) -> bool:
        """Whether this process's queue receives what other processes publish."""
        return self._listens_on is not None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Listen inside the context; listen again after the connection or the queue is lost."""
        try:
            async with Loop("feed-listener", self._stay, IDLE_SECONDS, (BrokerAway,)).running():
                yield
        finally:
            await self._link.close()

    async def problem(self) -> str | None:
        """The reason why events of other processes do not arrive at once, or None."""
        return await self._link.problem()

    async def _stay(self) -> bool:
        await self._link.run(self._go_on, ANSWER_SECONDS_MAX)
        return False

    async def _go_on(self, channel: AbstractChannel) -> None:
        if self._listens_on is not channel or self._queue is None:
            await self._listen(channel)
        else:
            # Bind again: nothing else would show that the exchange was deleted and recreated.
            await self._queue.bind(await _declared(channel, self._exchange), "#")

    async def _listen(self, channel: AbstractChannel) -> None:
        """Declare a queue that is deleted with this connection. Events that it misses are in the log."""
        self._queue = await channel.declare_queue(
            exclusive=True,
            auto_delete=True,
            arguments={"x-max-length": QUEUE_MESSAGES_MAX, "x-overflow": "drop-head"},
        )
        await self._queue.bind(await _declared(channel, self._exchange), "#")
        amqp = await channel.get_underlay_channel()
        amqp.on_consumer_cancel_callbacks.add(self._cancelled)
        await amqp.basic_consume(self._queue.name, self._take_in, no_ack=True)
        self._listens_on = channel

    async def _take_in(self, message: DeliveredMessage) -> None:
        if message.header.properties.message_type != MESSAGE_TYPE:
            self.messages_not_read += 1
            return
        try:
            self._listener.take(wanted_events(message.body, self._listener))
        except NotOfTheFeed as error:
            self.messages_not_read += 1
            _log.warning("feed_message_invalid", error=str(error))

    def _cancelled(self, *_: object) -> None:
        """Handle the broker's cancellation of the consumer: the queue was deleted."""
        self._listens_on = None


async def _declared(channel: AbstractChannel, exchange: str) -> AbstractExchange:
    return await channel.declare_exchange(exchange, ExchangeType.TOPIC, durable=True)
