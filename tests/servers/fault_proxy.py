"""A proxy between a client and a server that knows no protocol, only bytes, and can be told to do harm.

    async with fault_proxy(upstream_of(url)) as proxy:
        client = await connect(proxy.url(url))
        cut = proxy.cut_after(b"COMMIT", Towards.SERVER)
        ...
        await cut.struck.wait()

What it can do: hold everything back and go on later (`hold`, as a frozen server does), swallow everything
(`swallow`, as a broken route does), be slow (`delay_seconds`), refuse new connections (`refuse`), cut all connections
at once (`cut_all`), cut one right after a pattern or a number of bytes was delivered (`cut_after`), or before a pattern
is (`cut_before`), and exchange a pattern for another (`exchange`). `behave` ends whatever was asked for. A fault that
waits for bytes strikes once.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

CHUNK_BYTES_MAX = 64 * 1024
DEFAULT_PORTS = {"postgresql": 5432, "postgres": 5432, "amqp": 5672, "redis": 6379, "http": 80}

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Upstream = Callable[[], Awaitable[Streams]]


class Towards(Enum):
    """The way that bytes go."""

    SERVER = auto()
    CLIENT = auto()


@dataclass(eq=False)
class Fault:
    """A fault that waits for its bytes: a pattern, or a number of bytes from now on; `struck` is set when it did."""

    towards: Towards
    pattern: bytes | None = None
    bytes_left: int = 0
    replacement: bytes | None = None
    delivered: bool = True
    struck: asyncio.Event = field(default_factory=asyncio.Event)

    def end_in(self, seen: bytes, chunk: bytes) -> int | None:
        """Where in the chunk the fault's bytes end, None where they don't; `seen` is what went before the chunk."""
        if self.pattern is None:
            self.bytes_left -= len(chunk)
            return len(chunk) + self.bytes_left if self.bytes_left <= 0 else None
        before = seen[len(seen) - len(self.pattern) + 1 :] if len(self.pattern) > 1 else b""
        found = (before + chunk).find(self.pattern)
        return None if found < 0 else found + len(self.pattern) - len(before)


def upstream_of(url: str) -> Upstream:
    """The way to the server that a URL names, by TCP, or by the socket in a `host=/folder` of a Postgres URL."""
    parts = urlsplit(url)
    folder = dict(parse_qsl(parts.query)).get("host")
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    if folder is not None:
        return lambda: asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
    host = parts.hostname or "127.0.0.1"
    return lambda: asyncio.open_connection(host, port)


class FaultProxy:
    """One upstream behind a port of 127.0.0.1."""

    def __init__(self, upstream: Upstream) -> None:
        self.port = 0
        self.delay_seconds = 0.0
        # Of all connections so far, and of those that are open.
        self.connections_made = 0
        self._upstream = upstream
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._faults: list[Fault] = []
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._swallowing = False
        self._refusing = False

    def url(self, url: str) -> str:
        """The same URL, by way of the proxy."""
        parts = urlsplit(url)
        credentials, at, _ = parts.netloc.rpartition("@")
        query = urlencode([(name, value) for name, value in parse_qsl(parts.query) if name != "host"])
        return urlunsplit(parts._replace(netloc=f"{credentials}{at}127.0.0.1:{self.port}", query=query))

    def hold(self) -> None:
        """Hold all bytes back, in both directions, and deliver them after `behave`. New connections hang."""
        self._flowing.clear()

    def swallow(self) -> None:
        """Lose all bytes, in both directions. New connections hang."""
        self._swallowing = True

    def refuse(self) -> None:
        """Close new connections at once."""
        self._refusing = True

    def behave(self) -> None:
        """Be a plain proxy again. What was swallowed is lost; faults that have not struck are forgotten."""
        self._swallowing = self._refusing = False
        self.delay_seconds = 0.0
        self._faults.clear()
        self._flowing.set()

    def cut_all(self) -> None:
        """Cut every open connection, on both sides, at once."""
        for writer in self._writers:
            writer.transport.abort()

    def cut_after(self, pattern: bytes | int, towards: Towards) -> Fault:
        """Cut the next connection on which the pattern, or so many bytes from now on, went that way.

        They are delivered first, and nothing after them; the other direction is cut in the same moment.
        """
        if isinstance(pattern, int):
            return self._add(Fault(towards, bytes_left=pattern))
        return self._add(Fault(towards, pattern))

    def cut_before(self, pattern: bytes, towards: Towards) -> Fault:
        """Cut the next connection that would send the pattern that way in one piece, which is not delivered."""
        return self._add(Fault(towards, pattern, delivered=False))

    def exchange(self, pattern: bytes, replacement: bytes, towards: Towards) -> Fault:
        """Deliver something else in place of the next such pattern that goes that way in one piece."""
        return self._add(Fault(towards, pattern, replacement=replacement))

    def _add(self, fault: Fault) -> Fault:
        self._faults.append(fault)
        return fault

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join one client to the server until either goes or is cut off; what was passed on is delivered first."""
        self.connections_made += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if not self._refusing:
                await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            # The server is away, or one side was cut: so is the other. Or the proxy closes, and this task ends anyway.
            pass
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()

    async def close(self) -> None:
        """Cut whatever is open."""
        self.behave()
        self.cut_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await self._upstream()
        self._writers.add(server_writer)
        pumps = {
            asyncio.create_task(self._pump(reader, server_writer, Towards.SERVER)),
            asyncio.create_task(self._pump(server_reader, writer, Towards.CLIENT)),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._writers.discard(server_writer)
            server_writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, towards: Towards) -> None:
        seen = b""
        while chunk := await reader.read(CHUNK_BYTES_MAX):
            await self._flowing.wait()
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            if self._swallowing:
                continue
            chunk, ends_here = self._harm(seen, chunk, towards)
            writer.write(chunk)
            await writer.drain()
            if ends_here:
                return
            seen = (seen + chunk)[-CHUNK_BYTES_MAX:]

    def _harm(self, seen: bytes, chunk: bytes, towards: Towards) -> tuple[bytes, bool]:
        """What to deliver of the chunk, and whether the connection ends with it."""
        for fault in [fault for fault in self._faults if fault.towards is towards]:
            end = fault.end_in(seen, chunk)
            if end is None:
                continue
            self._faults.remove(fault)
            fault.struck.set()
            start = max(0, end - len(fault.pattern or b""))
            if fault.replacement is None:
                return chunk[: end if fault.delivered else start], True
            chunk = chunk[:start] + fault.replacement + chunk[end:]
        return chunk, False


@asynccontextmanager
async def fault_proxy(upstream: Upstream) -> AsyncGenerator[FaultProxy]:
    """A proxy without faults until one is set; on the way out every connection is cut."""
    proxy = FaultProxy(upstream)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
        await server.wait_closed()
