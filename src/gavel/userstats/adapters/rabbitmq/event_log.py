"""Event log of the write side, asked by messages that any bid worker answers."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from gavel.contracts.events.v1 import checkpoints_pb as pb
from gavel.runtime.rabbitmq.connection import BrokerAway, BrokerLink, publish_confirmed
from gavel.runtime.rabbitmq.topology import RequestQueue, WorkQueue
from gavel.userstats.adapters.rabbitmq.event_source import STATS_EVENTS
from gavel.userstats.ports import Checkpoint, Unavailable

# The same as the bid worker declares.
LOG_REQUESTS = RequestQueue(requests="auction.log_requests", answers="auction.checkpoints")
CHECKPOINT_REQUEST = "events.v1.CheckpointRequest"
CHECKPOINT = "events.v1.Checkpoint"
RESEND_REQUEST = "events.v1.ResendRequest"

ANSWER_SECONDS_MAX = 3.0
# A bid worker first finishes the request before, which may be for many events.
CHECKPOINT_SECONDS_MAX = 15.0
# Checkpoints that other workers asked for come here too: in the broker's queue and in this process's.
CHECKPOINTS_KEPT_MAX = 10

T = TypeVar("T")


class _Answers:
    """Answers that have come and were not looked at, the newest CHECKPOINTS_KEPT_MAX: a worker may not ask for days."""

    def __init__(self) -> None:
        self._waiting: deque[AbstractIncomingMessage] = deque(maxlen=CHECKPOINTS_KEPT_MAX)
        self._added = asyncio.Event()

    async def add(self, answer: AbstractIncomingMessage) -> None:
        """Keep one, as a consumer's callback."""
        self._waiting.append(answer)
        self._added.set()

    async def next(self) -> AbstractIncomingMessage:
        """The oldest; waits for it."""
        while not self._waiting:
            self._added.clear()
            await self._added.wait()
        return self._waiting.popleft()


class RabbitMqEventLog:
    """EventLog by the broker, on a connection of its own, so that it never disturbs counting."""

    def __init__(self, url: str, queue: RequestQueue = LOG_REQUESTS, events: WorkQueue = STATS_EVENTS) -> None:
        self._queue = queue
        self._events = events
        self._link = BrokerLink(url, "gavel-event-log", self._listen)
        self._answers = _Answers()

    async def waiting(self) -> int:
        """See EventLog.waiting."""

        async def count(channel: AbstractChannel) -> int:
            amqp = await channel.get_underlay_channel()
            declared = await amqp.queue_declare(self._events.name, passive=True)
            return declared.message_count or 0

        return await self._run(count, ANSWER_SECONDS_MAX)

    async def checkpoint(self, since: int) -> Checkpoint:
        """See EventLog.checkpoint."""

        async def ask(channel: AbstractChannel) -> Checkpoint:
            await self._send(channel, CHECKPOINT_REQUEST, pb.CheckpointRequest(since=since).to_binary())
            try:
                async with asyncio.timeout(CHECKPOINT_SECONDS_MAX):
                    return await self._answer(since)
            except TimeoutError as error:
                raise BrokerAway("no bid worker answers") from error

        return await self._run(ask, ANSWER_SECONDS_MAX + CHECKPOINT_SECONDS_MAX)

    async def resend(self, seconds: Sequence[int]) -> None:
        """See EventLog.resend."""

        async def ask(channel: AbstractChannel) -> None:
            await self._send(channel, RESEND_REQUEST, pb.ResendRequest(seconds=list(seconds)).to_binary())

        await self._run(ask, ANSWER_SECONDS_MAX)

    async def close(self) -> None:
        """Close the connection to the broker."""
        await self._link.close()

    async def _answer(self, since: int) -> Checkpoint:
        while True:
            answer = await self._answers.next()
            if answer.type == CHECKPOINT:
                checkpoint = pb.Checkpoint.from_binary(answer.body)
                if checkpoint.since == since:
                    return Checkpoint(
                        since, checkpoint.until, {each.second: each.events for each in checkpoint.seconds}
                    )

    async def _send(self, channel: AbstractChannel, kind: str, body: bytes) -> None:
        message = Message(body, type=kind, delivery_mode=DeliveryMode.NOT_PERSISTENT)
        await publish_confirmed(channel, self._queue.requests, [("", message)])

    async def _listen(self, channel: AbstractChannel) -> None:
        """Declare what both ends need, and a queue for answers that is deleted with this connection."""
        await self._events.declare(channel)
        await self._queue.declare(channel)
        answers = _Answers()
        queue = await channel.declare_queue(
            exclusive=True, auto_delete=True, arguments={"x-max-length": CHECKPOINTS_KEPT_MAX}
        )
        await queue.bind(self._queue.answers, "")
        await queue.consume(answers.add, no_ack=True)
        self._answers = answers

    async def _run(self, work: Callable[[AbstractChannel], Awaitable[T]], seconds_max: float) -> T:
        try:
            return await self._link.run(work, seconds_max)
        except BrokerAway as error:
            raise Unavailable(str(error)) from error
