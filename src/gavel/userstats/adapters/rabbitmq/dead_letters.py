"""Dead letters in a queue of the broker, with those that the broker itself dead-lettered."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import structlog
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from gavel.runtime.rabbitmq.connection import BrokerAway, BrokerLink, answered, passing_channel, publish_confirmed
from gavel.runtime.rabbitmq.topology import WorkQueue
from gavel.userstats.adapters.rabbitmq.event_source import STATS_EVENTS
from gavel.userstats.ports import DeadLetter, KeptLetter, Unavailable

PUT_SECONDS_MAX = 5.0
ANSWER_SECONDS_MAX = 5.0
# The most that one look goes through; the broker holds as many unacknowledged meanwhile.
LOOK_LETTERS_MAX = 100_000
# Headers must fit into one frame.
REASON_CHARACTERS_MAX = 1_000

REASON_HEADER = "reason"
DIED_AT_HEADER = "died_at"
_UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)

_log = structlog.get_logger(__name__)


class RabbitMqDeadLetters:
    """DeadLetters behind a work queue. A letter put twice is shown, replayed and dropped as one.

    During a look its letters are unavailable to other consumers; afterwards they return to their places in the queue.
    """

    def __init__(self, url: str, queue: WorkQueue = STATS_EVENTS) -> None:
        self._url = url
        self._queue = queue
        self._link = BrokerLink(url, "gavel-dead-letters", queue.declare)

    async def put(self, letters: Sequence[DeadLetter]) -> None:
        """See DeadLetters.put."""
        died_at = datetime.now(UTC)
        messages = [("", _amqp(letter, died_at)) for letter in letters]

        async def confirmed(channel: AbstractChannel) -> None:
            await publish_confirmed(channel, self._queue.dead_letters, messages)

        try:
            await self._link.run(confirmed, PUT_SECONDS_MAX)
        except BrokerAway as error:
            raise Unavailable(str(error)) from error
        for letter in letters:
            _log.warning("dead_letter", letter_id=_letter_id(letter.body), reason=letter.reason)

    async def list(self, limit: int) -> Sequence[KeptLetter]:
        """See DeadLetters.list."""
        letters: dict[str, KeptLetter] = {}
        async with self._look() as look:
            while len(letters) < limit and (message := await look.next()) is not None:
                letter = _kept(message)
                letters.setdefault(letter.letter_id, letter)
        return list(letters.values())

    async def replay(
        self, deliver: Callable[[bytes], Awaitable[bool]], letter_ids: Collection[str] | None, limit: int
    ) -> int:
        """See DeadLetters.replay."""
        delivered: dict[str, bool] = {}
        async with self._look() as look:
            while (message := await look.next()) is not None:
                letter_id = _letter_id(message.body)
                if letter_ids is not None and letter_id not in letter_ids:
                    continue
                if letter_id not in delivered:
                    if len(delivered) == limit:
                        break
                    delivered[letter_id] = await deliver(message.body)
                if delivered[letter_id]:
                    await answered(message.ack(), ANSWER_SECONDS_MAX)
        return sum(delivered.values())

    async def drop(self, letter_ids: Collection[str] | None, limit: int) -> int:
        """See DeadLetters.drop."""

        async def unread(_: bytes) -> bool:
            return True

        return await self.replay(unread, letter_ids, limit)

    async def close(self) -> None:
        """Close the connection to the broker."""
        await self._link.close()

    @asynccontextmanager
    async def _look(self) -> AsyncGenerator["_Look"]:
        try:
            async with passing_channel(self._url, "gavel-dead-letters", self._queue.declare) as channel:
                look = _Look(await channel.get_queue(self._queue.dead_letters, ensure=False))
                try:
                    yield look
                finally:
                    with suppress(BrokerAway):
                        await answered(_give_back(channel), ANSWER_SECONDS_MAX)
        except BrokerAway as error:
            raise Unavailable(str(error)) from error


class _Look:
    """One look through a queue, each message once."""

    def __init__(self, queue: AbstractQueue) -> None:
        self._queue = queue
        self._left = LOOK_LETTERS_MAX

    async def next(self) -> AbstractIncomingMessage | None:
        """The next message, None at the end."""
        if self._left == 0:
            return None
        self._left -= 1
        return await answered(self._queue.get(fail=False), ANSWER_SECONDS_MAX)


async def _give_back(channel: AbstractChannel) -> None:
    """Put back all that was taken and not acknowledged."""
    amqp = await channel.get_underlay_channel()
    everything = 0
    await amqp.basic_nack(everything, multiple=True, requeue=True)


def _amqp(letter: DeadLetter, died_at: datetime) -> Message:
    reason = letter.reason[:REASON_CHARACTERS_MAX].encode(errors="backslashreplace").decode()
    return Message(
        letter.body,
        headers={REASON_HEADER: reason, DIED_AT_HEADER: died_at.isoformat()},
        message_id=_letter_id(letter.body),
        timestamp=died_at,
        delivery_mode=DeliveryMode.PERSISTENT,
    )


def _kept(message: AbstractIncomingMessage) -> KeptLetter:
    headers: dict[str, Any] = dict(message.headers)
    reason, died_at = headers.get(REASON_HEADER), _died_at(headers)
    if not isinstance(reason, str):
        reason = f"given up by the broker ({headers.get('x-first-death-reason', 'it does not say why')})"
    return KeptLetter(_letter_id(message.body), message.body, reason, died_at)


def _died_at(headers: dict[str, Any]) -> datetime:
    """When a counter, or the broker, put the letter there. Headers from another publisher may hold anything."""
    with suppress(KeyError, TypeError, ValueError):
        return datetime.fromisoformat(headers[DIED_AT_HEADER])
    with suppress(LookupError, TypeError):
        broker_says = headers["x-death"][0]["time"]
        if isinstance(broker_says, datetime):
            return broker_says
    return _UNKNOWN_TIME


def _letter_id(body: bytes) -> str:
    return blake2b(body, digest_size=16).hexdigest()
