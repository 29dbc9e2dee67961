"""Requests of consumers to the log: publish a checkpoint, or publish events again."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

import structlog
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from gavel.bids.ports.book import Unavailable
from gavel.bids.ports.outbox import EventPublisher, EventsNotPublished
from gavel.bids.ports.recorded_log import Checkpoint, RecordedLog
from gavel.contracts.events.v1 import checkpoints_pb as pb
from gavel.runtime.process.loops import Loop
from gavel.runtime.rabbitmq.connection import BrokerAway, BrokerLink
from gavel.runtime.rabbitmq.topology import RequestQueue

LOG_REQUESTS = RequestQueue(requests="auction.log_requests", answers="auction.checkpoints")
CHECKPOINT_REQUEST = "events.v1.CheckpointRequest"
CHECKPOINT = "events.v1.Checkpoint"
RESEND_REQUEST = "events.v1.ResendRequest"

IDLE_SECONDS = 0.5
ANSWER_SECONDS_MAX = 3.0
# Of one request; what a consumer lacks beyond that it asks for again.
RESEND_SECONDS_MAX = 30
# Year 9999.
SECOND_MAX = 253_402_300_799

_log = structlog.get_logger(__name__)


class RabbitMqLogRequests:
    """Answers the requests of all consumers of events; of several bid workers, any one takes a request."""

    def __init__(self, url: str, publisher: EventPublisher, queue: RequestQueue = LOG_REQUESTS) -> None:
        self._publisher = publisher
        self._queue = queue
        self._link = BrokerLink(url, "gavel-log-requests", queue.declare)

    @asynccontextmanager
    async def running(self, log: RecordedLog) -> AsyncGenerator[None]:
        """Answer requests inside the context."""

        async def answer() -> bool:
            return await self.answer_next(log)

        expected = (BrokerAway, Unavailable, EventsNotPublished)
        try:
            async with Loop("log-requests", answer, IDLE_SECONDS, expected).running():
                yield
        finally:
            await self._link.close()

    async def answer_next(self, log: RecordedLog) -> bool:
        """Answer the next request; whether there was one.

        It is acknowledged when it is taken: one that fails is asked again. Raises BrokerAway, Unavailable or
        EventsNotPublished.
        """
        request = await self._link.run(self._take, ANSWER_SECONDS_MAX)
        if request is None:
            return False
        try:
            wanted = _parsed(request.type or "", request.body)
        except ValueError as error:
            _log.warning("log_request_invalid", type=request.type, error=str(error))
            return True
        match wanted:
            case pb.CheckpointRequest():
                await self._publish(await log.checkpoint(wanted.since))
            case pb.ResendRequest():
                for second in wanted.seconds[:RESEND_SECONDS_MAX]:
                    await self._resend(log, second)
        return True

    async def _take(self, channel: AbstractChannel) -> AbstractIncomingMessage | None:
        queue = await channel.get_queue(self._queue.requests, ensure=False)
        return await queue.get(no_ack=True, fail=False)

    async def _publish(self, checkpoint: Checkpoint) -> None:
        message = Message(checkpoint_body(checkpoint), type=CHECKPOINT, delivery_mode=DeliveryMode.NOT_PERSISTENT)

        async def publish(channel: AbstractChannel) -> None:
            exchange = await channel.get_exchange(self._queue.answers, ensure=False)
            await exchange.publish(message, routing_key="", mandatory=False)

        await self._link.run(publish, ANSWER_SECONDS_MAX)

    async def _resend(self, log: RecordedLog, second: int) -> None:
        events = 0
        async with aclosing(log.messages(second)) as pages:
            async for messages in pages:
                await self._publisher.publish(messages)
                events += sum(message.event_count for message in messages)
        _log.info("events_sent_again", second=second, events=events)


def checkpoint_body(checkpoint: Checkpoint) -> bytes:
    """Encode a checkpoint by the contract."""
    seconds = [pb.RecordedSecond(second=each.second, events=each.events) for each in checkpoint.seconds]
    return pb.Checkpoint(since=checkpoint.since, until=checkpoint.until, seconds=seconds).to_binary()


def _parsed(kind: str, body: bytes) -> pb.CheckpointRequest | pb.ResendRequest:
    """Decode a request. Raises ValueError."""
    if kind == CHECKPOINT_REQUEST:
        request = pb.CheckpointRequest.from_binary(body)
        seconds = [request.since]
    elif kind == RESEND_REQUEST:
        request = pb.ResendRequest.from_binary(body)
        seconds = request.seconds
    else:
        raise ValueError("an unknown type")
    if not all(0 <= second <= SECOND_MAX for second in seconds):
        raise ValueError("a second is out of range")
    return request
