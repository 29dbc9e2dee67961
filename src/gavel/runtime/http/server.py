"""HTTP server: connections on a socket bound in advance, stop signals for the process, and a graceful stop."""

import asyncio
import os
import signal
import socket
import stat
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from gavel.runtime.http.addresses import Addresses, Tally
from gavel.runtime.http.connection import HttpConnection
from gavel.runtime.http.cors import Cors
from gavel.runtime.http.exchange import Handler, Refusals, Response
from gavel.runtime.http.request_limits import RequestLimits, Timeouts, UnreadBytes
from gavel.runtime.process.open_files import allow_open_files

LISTEN_BACKLOG_MAX = 4_096
# uvloop accepts one connection from a socket in each iteration of the event loop, and under load an iteration is long:
# new connections would wait for seconds behind each other. So it is given the same socket this many times.
ACCEPTS_AT_ONCE = 16
# Connections, streams and what else is open; many systems allow a process a thousand unless it asks for more.
OPEN_FILES_MAX = 32_768
# How long open connections may send one more request after a stop begins: it may be on its way already.
FAREWELL_SECONDS_MAX = 0.5
SHUTDOWN_SECONDS_MAX = 4
POLL_SECONDS = 0.005


class AddressInUse(Exception):
    """The address is taken, or is not this machine's."""


def bind(host: str, port: int) -> socket.socket:
    """Bind a socket to an address (port 0: any free one). Raises AddressInUse."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise AddressInUse(f"can't listen on {host}:{port}: {error.strerror or error}") from error
    listener.setblocking(False)
    return listener


def address_of(listener: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class HttpServer:
    """What the connections of one server share: handler, limits, clocks, and whether it stops."""

    def __init__(
        self, handler: Handler, limits: RequestLimits, cors: Cors | None, addresses: Addresses | None = None
    ) -> None:
        self.handler = handler
        self.limits = limits
        self.cors = cors
        self.addresses = addresses or Addresses()
        self.connections: set[HttpConnection] = set()
        # By address. Connections include those of streams, which are no longer in the set.
        self.connections_of = Tally()
        self.unfinished_of = Tally()
        # Replies and streams.
        self.unread_bytes = UnreadBytes(limits.unread_bytes_max, self._note_unread)
        self.is_stopping = False
        self.now_seconds = asyncio.get_running_loop().time
        # Not started anew for each request: a connection that was used meanwhile gets the time once more.
        self.idle = Timeouts[HttpConnection](limits.keep_alive_seconds, self._close_if_idle)
        self.incomplete = Timeouts[HttpConnection](limits.send_seconds_max, lambda late: late.refuse(Refusals.TOO_LATE))
        self.unread = Timeouts[HttpConnection](limits.read_seconds_max, HttpConnection.abort)
        self.lingering = Timeouts[HttpConnection](limits.linger_seconds, HttpConnection.abort)
        self.clocks = (self.idle, self.incomplete, self.unread, self.lingering)
        self._tasks: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()

    def run(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine that answers a request."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def add(self, connection: HttpConnection) -> tuple[int, Response]:
        """Note a new connection. Return how many are too many, in all or of its address, and how to refuse them."""
        self.connections.add(connection)
        self._empty.clear()
        of_address = self.connections_of.add(connection.address_key) - self.limits.address_connections_max
        if of_address > 0:
            self.addresses.refused["address_connections"] += 1
            return of_address, Refusals.TOO_MANY_OF_ADDRESS
        too_many = len(self.connections) - self.limits.connections_max
        if too_many > 0:
            self.addresses.refused["connections"] += 1
        return too_many, Refusals.TOO_MANY

    def forget(self, connection: HttpConnection) -> None:
        """Note that a connection is closed, or is another protocol's."""
        self.connections.discard(connection)
        if self.is_stopping and not self.connections:
            self._empty.set()

    def _note_unread(self) -> None:
        self.addresses.refused["unread"] += 1

    async def stop(self) -> None:
        """Answer late requests with `connection: close`, close idle connections, and wait for requests in progress.

        If idle connections were closed at once, a kept connection would lose a request that its client is just sending.
        """
        self.is_stopping = True
        if not self.connections:
            self._empty.set()
        await self._emptied(FAREWELL_SECONDS_MAX)
        # If the process itself stood still meanwhile, read what came before connections are closed.
        await asyncio.sleep(POLL_SECONDS)
        for connection in list(self.connections):
            connection.close_if_idle()
        if not await self._emptied(SHUTDOWN_SECONDS_MAX):
            for connection in list(self.connections):
                connection.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for clock in self.clocks:
            clock.close()

    def _close_if_idle(self, connection: HttpConnection) -> None:
        if not connection.close_if_idle(self.limits.keep_alive_seconds):
            self.idle.start(connection)

    async def _emptied(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def serving(
    handler: Handler,
    listener: socket.socket,
    end_streams: Callable[[], None] | None = None,
    limits: RequestLimits | None = None,
    cors_origins: Collection[str] = (),
    addresses: Addresses | None = None,
) -> AsyncGenerator[None]:
    """Serve inside the context. On exit: stop accepting, end the streams, and finish requests in progress.

    Open connections are answered for FAREWELL_SECONDS_MAX more, with `connection: close`. What is not finished within
    SHUTDOWN_SECONDS_MAX is cut off. Pages of `cors_origins` may call and read every reply. `addresses` says
    which clients are limited by their addresses.
    """
    allow_open_files(OPEN_FILES_MAX)
    cors = Cors(cors_origins) if cors_origins else None
    server = HttpServer(handler, limits or RequestLimits(), cors, addresses)
    loop = asyncio.get_running_loop()
    listeners = [listener, *(listener.dup() for _ in range(ACCEPTS_AT_ONCE - 1))]
    accepting = [
        await loop.create_server(lambda: HttpConnection(server), sock=each, backlog=LISTEN_BACKLOG_MAX)
        for each in listeners
    ]
    try:
        yield
    finally:
        # Stop accepting first: clients that are disconnected reconnect at once, and must not reach this process.
        for each in accepting:
            each.close()
        if end_streams is not None:
            end_streams()
        await server.stop()


@contextmanager
def stop_signals() -> Generator[asyncio.Event]:
    """Yield an event that SIGTERM, SIGINT, SIGQUIT and SIGHUP set. Under `nohup` SIGHUP stays ignored."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()

    def hang_up() -> None:
        _leave_terminal()
        stopping.set()

    handlers: dict[signal.Signals, Callable[[], None]]
    handlers = dict.fromkeys((signal.SIGTERM, signal.SIGINT, signal.SIGQUIT), stopping.set)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        handlers[signal.SIGHUP] = hang_up
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield stopping
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)


def _leave_terminal() -> None:
    """Discard output that went to a terminal: writing to a closed one raises, which would cut the stop short."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        for descriptor in (1, 2):
            # A closed terminal is no longer a tty to the kernel, but still a character device.
            with suppress(OSError):
                if stat.S_ISCHR(os.fstat(descriptor).st_mode):
                    os.dup2(nowhere.fileno(), descriptor)
