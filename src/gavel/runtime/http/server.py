"""HTTP server: uvicorn on a socket bound in advance, stop signals for the process, and a graceful stop."""

import asyncio
import os
import signal
import socket
import stat
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Generator, MutableMapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, cast

import uvicorn

from gavel.runtime.http.cors import Cors
from gavel.runtime.http.detached_streams import StreamingProtocol
from gavel.runtime.http.request_limits import ReadTimeouts, RequestLimits
from gavel.runtime.process.open_files import allow_open_files

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
# Any, because libraries have types of their own for the same thing.
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Asgi = Callable[[Any, Receive, Send], Awaitable[None]]

LISTEN_BACKLOG_MAX = 4_096
# uvloop accepts one connection from a socket in each iteration of the event loop, and under load an iteration is long:
# new connections would wait for seconds behind each other. So it is given the same socket this many times.
ACCEPTS_AT_ONCE = 16
# Connections, streams and what else is open; many systems allow a process a thousand unless it asks for more.
OPEN_FILES_MAX = 32_768
KEEP_ALIVE_SECONDS = 75
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


class _Connection(StreamingProtocol):
    """A connection that closes after its next response, once its server has begun to stop."""

    says_farewell = False

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self.says_farewell:
            self.cycle.keep_alive = False

    def take_leave(self) -> None:
        """Close after the response that is under way, unless it has started."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_started:  # type: ignore[redundant-expr]
            cycle.keep_alive = False


class _Server(uvicorn.Server):
    """uvicorn, without its signal handlers: one process may serve several ports, and stops its parts in order."""

    def __init__(
        self, config: uvicorn.Config, connections: type[_Connection], end_streams: Callable[[], None] | None
    ) -> None:
        super().__init__(config)
        self._connections = connections
        self._end_streams = end_streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Stop accepting first: clients that are disconnected reconnect at once, and must not reach this process.
        for server in self.servers:
            server.close()
        if self._end_streams is not None:
            self._end_streams()
        await self._say_farewell()
        await super().shutdown(sockets)

    async def _say_farewell(self) -> None:
        """Answer late requests with `connection: close`, before uvicorn closes idle connections.

        If it were closed at once, a kept connection would lose a request that its client is just sending.
        """
        self._connections.says_farewell = True
        for connection in self.server_state.connections:
            cast("_Connection", connection).take_leave()
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS_MAX):
                while self.server_state.connections:  # noqa: ASYNC110 - uvicorn has no event to wait for
                    await asyncio.sleep(POLL_SECONDS)
        # If the process itself stood still meanwhile, read what came before connections are closed.
        await asyncio.sleep(POLL_SECONDS)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def serving(
    app: Asgi,
    listener: socket.socket,
    end_streams: Callable[[], None] | None = None,
    limits: RequestLimits | None = None,
    cors_origins: Collection[str] = (),
) -> AsyncGenerator[None]:
    """Serve the app inside the context. On exit: stop accepting, end the streams, and finish requests in progress.

    Open connections are answered for FAREWELL_SECONDS_MAX more, with `connection: close`. What is not finished within
    SHUTDOWN_SECONDS_MAX is cut off. Pages of `cors_origins` may call and read every reply.
    """
    allow_open_files(OPEN_FILES_MAX)
    cors = Cors(cors_origins) if cors_origins else None
    connections = _connections(limits or RequestLimits(), cors)
    server = _Server(
        uvicorn.Config(
            app if cors is None else cors.answering_preflights(app),
            interface="asgi3",
            loop="none",
            http=connections,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=LISTEN_BACKLOG_MAX,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS_MAX,
        ),
        connections,
        end_streams,
    )
    listeners = [listener, *(listener.dup() for _ in range(ACCEPTS_AT_ONCE - 1))]
    task = asyncio.create_task(server.serve(sockets=listeners), name="http")
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event to wait for
            await asyncio.sleep(POLL_SECONDS)
        yield
    finally:
        server.should_exit = True
        await task


def _connections(limits: RequestLimits, cors: Cors | None) -> type[_Connection]:
    """Make the protocol class for the connections of one server."""
    clock = ReadTimeouts(limits.send_seconds_max)
    return type("Connection", (_Connection,), {"limits": limits, "clock": clock, "cors": cors})


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
