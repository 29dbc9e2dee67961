"""RabbitMQ connection of every process: opened on first use, and dropped after any failure.

Nothing is repaired in place. After a failure or a timeout the connection is aborted. The next call opens another one,
and the `opened` callback sets it up again before its first use. The caller decides when to retry (see
`gavel.runtime.process.loops`).
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import aio_pika
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, AMQPError
from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from aiormq.exceptions import ChannelAccessRefused, ChannelClosed, InvalidFrameError, ProbableAuthenticationError
from pamqp.commands import Basic
from yarl import URL

CONNECT_SECONDS_MAX = 3.0
CLOSE_SECONDS_MAX = 2.0
# A peer that is silent for three of these counts as gone.
HEARTBEAT_SECONDS = 10
# Unconfirmed messages of one call; a packed message has some 150 KB.
IN_FLIGHT_MAX = 16
CONFIRM_SECONDS_MAX = 3.0

BLOCKED = "RabbitMQ takes no messages: its memory or disk alarm is raised (rabbitmq-diagnostics alarms)"

# The library's loggers repeat, with tracebacks, the exceptions that its callers get.
logging.getLogger("aiormq").setLevel(logging.CRITICAL)
logging.getLogger("aio_pika").setLevel(logging.CRITICAL)

T = TypeVar("T")
Opened = Callable[[AbstractChannel], Awaitable[None]]


class BrokerAway(Exception):
    """The broker can't be reached, refuses, or gives no answer in time. The request may have been carried out."""


class NotConfirmed(AMQPError):
    """The broker did not confirm a message."""


class _Transport(TransportFactory):
    """Opens the connection's socket, and can abort it: the library would wait for a frozen peer without end."""

    def __init__(self, url: URL) -> None:
        self._opener = TLSTransportFactory() if url.scheme == "amqps" else TCPTransportFactory()
        self._writer: asyncio.StreamWriter | None = None

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, self._writer = await self._opener.create(url, **kwargs)
        return reader, self._writer

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()


@dataclass(frozen=True, slots=True)
class _Session:
    """One connection with one channel."""

    transport: _Transport
    connection: aio_pika.Connection
    channel: AbstractChannel

    async def is_blocked(self) -> bool:
        """Whether the broker has said that it takes no messages for now, because an alarm is raised."""
        transport = self.connection.transport
        if transport is None or self.channel.is_closed:
            return False
        try:
            async with asyncio.timeout(0):
                # Returns at once, unless the broker blocks the connection.
                await transport.connection.ready()
        except TimeoutError:
            return True
        return False

    async def close(self) -> None:
        """Close in good order, within CLOSE_SECONDS_MAX; the broker requeues what was not acknowledged."""
        await _close(self.connection, self.transport)

    async def drop(self) -> None:
        """Abort the connection."""
        self.transport.abort()
        await self.close()


async def _open(url: str, name: str, opened: Opened) -> _Session:
    """Connect, within CONNECT_SECONDS_MAX. Raises BrokerAway."""
    address = URL(url)
    if "heartbeat" not in address.query:
        address = address.update_query(heartbeat=HEARTBEAT_SECONDS)
    transport = _Transport(address)
    connection = aio_pika.Connection(address, client_properties={"connection_name": name})
    connection.kwargs["transport_factory"] = transport

    async def ready() -> AbstractChannel:
        await connection.connect()
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await opened(channel)
        return channel

    try:
        return _Session(transport, connection, await answered(ready(), CONNECT_SECONDS_MAX))
    except BaseException:
        transport.abort()
        await _close(connection, transport)
        raise


async def _close(connection: aio_pika.Connection, transport: _Transport) -> None:
    try:
        with suppress(BrokerAway):
            await answered(connection.close(), CLOSE_SECONDS_MAX)
    finally:
        transport.abort()


class BrokerLink:
    """One shared connection to the broker.

    `opened` is called with each new channel before its first use: to declare, to consume.
    """

    def __init__(self, url: str, name: str, opened: Opened) -> None:
        self._url = url
        self._name = name
        self._opened = opened
        self._opening = asyncio.Lock()
        self._session: _Session | None = None
        self._closed = False
        # The last request failed on a connection that the broker blocked.
        self.is_blocked = False

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as is known here."""
        return self._session is not None and not self._session.channel.is_closed

    async def run(self, work: Callable[[AbstractChannel], Awaitable[T]], seconds_max: float) -> T:
        """Call `work` with the channel, opened if there is none, and return its result.

        Opening takes up to CONNECT_SECONDS_MAX more. Raises BrokerAway, and other exceptions of `work`; after either
        the connection is dropped with all that was in progress on it.
        """
        session = await self._open_session()
        try:
            result = await answered(work(session.channel), seconds_max)
        except BaseException as error:
            self.is_blocked = isinstance(error, BrokerAway) and await session.is_blocked()
            await self._drop(session)
            raise
        self.is_blocked = False
        return result

    async def problem(self) -> str | None:
        """Readiness check: the reason why the broker can't be used, or None. Opens the connection if needed."""
        try:
            await self._open_session()
        except BrokerAway as error:
            return str(error)
        return BLOCKED if self.is_blocked else None

    async def close(self) -> None:
        """Close for good, within CLOSE_SECONDS_MAX, plus CONNECT_SECONDS_MAX if the connection is being opened."""
        self._closed = True
        async with self._opening:
            session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _open_session(self) -> _Session:
        async with self._opening:
            if self._session is not None and self._session.channel.is_closed:
                await self._drop(self._session)
            if self._session is None:
                if self._closed:
                    raise BrokerAway("RabbitMQ: the connection was closed on this side")
                self._session = await _open(self._url, self._name, self._opened)
            return self._session

    async def _drop(self, session: _Session) -> None:
        if self._session is session:
            self._session = None
        await session.drop()


@asynccontextmanager
async def passing_channel(url: str, name: str, opened: Opened) -> AsyncGenerator[AbstractChannel]:
    """A channel on a connection of its own, for one task; afterwards the broker requeues what was not settled.

    Raises BrokerAway.
    """
    session = await _open(url, name, opened)
    try:
        yield session.channel
    finally:
        await session.close()


async def publish_confirmed(
    channel: AbstractChannel, exchange: str, messages: Sequence[tuple[str, aio_pika.Message]]
) -> None:
    """Publish messages, given with their routing keys, and return when the broker has confirmed every one.

    They are sent in order, up to IN_FLIGHT_MAX ahead of their confirms, each mandatory: one that no queue gets is an
    error, not a loss. To be run by `answered`, which maps the exceptions.
    """
    target = await channel.get_exchange(exchange, ensure=False)
    in_flight = asyncio.Semaphore(IN_FLIGHT_MAX)

    async def publish(routing_key: str, message: aio_pika.Message) -> object:
        async with in_flight:
            return await target.publish(message, routing_key, mandatory=True, timeout=CONFIRM_SECONDS_MAX)

    outcomes = await asyncio.gather(*(publish(*each) for each in messages), return_exceptions=True)
    for outcome in outcomes:
        # Any exception, also a cancellation, means that there was no confirm.
        if isinstance(outcome, BaseException):
            raise outcome
        if not isinstance(outcome, Basic.Ack):
            raise NotConfirmed("a message was not confirmed")


def reason_of(error: Exception) -> str:
    """Return why the broker can't be used, and the remedy if one is known."""
    match error:
        case ProbableAuthenticationError():
            return "RabbitMQ refuses the login (ACCESS_REFUSED): correct user and password in RABBITMQ_URL"
        case InvalidFrameError() if "Connection.OpenOk" in str(error):
            # The library drops the reply that distinguishes the two.
            return (
                "RabbitMQ refuses the virtual host: it does not exist, or the user has no right to it:"
                " correct it in RABBITMQ_URL, or use rabbitmqctl add_vhost and set_permissions"
            )
        case ChannelAccessRefused():
            return f"RabbitMQ: the user lacks a right: give it with rabbitmqctl set_permissions ({_reply(error)})"
        case _:
            return f"RabbitMQ: {type(error).__name__} {_reply(error)}".strip()


def _reply(error: Exception) -> str:
    """The server's text, without the library's wrapping; it names queues and users, and no password."""
    return str(error.args[0]) if isinstance(error, ChannelClosed) and error.args else str(error)


async def answered(asked: Awaitable[T], seconds_max: float) -> T:
    """Await the broker's answer. Raises BrokerAway for the library's connection errors, and after `seconds_max`."""
    try:
        async with asyncio.timeout(seconds_max):
            return await asked
    except TimeoutError as error:
        raise BrokerAway("RabbitMQ gives no answer in time") from error
    except Exception as error:
        # The library raises a bare Exception to end a wait for an unknown reason.
        if isinstance(error, CONNECTION_EXCEPTIONS) or type(error) is Exception:
            raise BrokerAway(reason_of(error)) from error
        raise
    except asyncio.CancelledError as error:
        # The library cancels waiters of a lost connection, although this task itself was not cancelled.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise BrokerAway("RabbitMQ's connection was lost") from error
