"""HTTP request limits: sizes, times to send a request and to read a reply, and numbers of connections.

Each limit in time is one clock for all connections of a server, so that a request pays for no timer of its own.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

# A token may have eight thousand bytes, and a browser's cookies about as many.
HEAD_BYTES_MAX = 32 * 1024
# For head and body together, from the first byte: a slow phone sends a quarter of a megabyte in ten seconds.
SEND_SECONDS_MAX = 20.0
# Above this many bytes that the client has not read, writing waits.
UNREAD_PAUSE_BYTES = 64 * 1024
# From the moment on when a reply fills the buffers and waits for its client to read.
READ_SECONDS_MAX = 20.0
# At least; an idle connection is closed before twice this time has passed.
KEEP_ALIVE_SECONDS = 75.0
# After a refusal, for the client to stop sending: closing at once would reset the connection, and lose the refusal.
LINGER_SECONDS = 2.0
HTTP_CONNECTIONS_MAX = 12_000
# Open at once by one address, streams included. An office may share an address, as may a carrier's customers.
ADDRESS_CONNECTIONS_MAX = 1_000
# This many more connections get a refusal; the rest are aborted without one.
CONNECTIONS_TURNED_AWAY_MAX = 1_000
# Requests of one address that have begun and are not whole. A usual request comes in one packet.
ADDRESS_UNFINISHED_MAX = 128
# Replies and events that clients have not read, in all. Above it, the connections that have waited longest are closed.
UNREAD_BYTES_MAX = 128 * 1024 * 1024
REQUEST_BYTES_MAX = 256 * 1024
# Requests that wait behind the one that is answered. Nothing more is read meanwhile, but one read may hold thousands.
PIPELINED_REQUESTS_MAX = 64

_Timed = TypeVar("_Timed")


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Limits on what a server takes from clients, and how long it waits for them."""

    head_bytes_max: int = HEAD_BYTES_MAX
    send_seconds_max: float = SEND_SECONDS_MAX
    read_seconds_max: float = READ_SECONDS_MAX
    keep_alive_seconds: float = KEEP_ALIVE_SECONDS
    linger_seconds: float = LINGER_SECONDS
    connections_max: int = HTTP_CONNECTIONS_MAX
    address_connections_max: int = ADDRESS_CONNECTIONS_MAX
    address_unfinished_max: int = ADDRESS_UNFINISHED_MAX
    unread_bytes_max: int = UNREAD_BYTES_MAX


class Unread(Protocol):
    """A connection whose client does not read."""

    def abort(self) -> None:
        """Cut the connection, and discard what is not sent."""
        ...


class UnreadBytes:
    """Bytes that wait in this process for clients to read them. If these are too many, the longest waiting are cut."""

    def __init__(self, bytes_max: int, on_cut: Callable[[], None]) -> None:
        """`on_cut` is called for each connection that is cut."""
        self._max = bytes_max
        self._on_cut = on_cut
        self._waiting: dict[Unread, int] = {}
        self._total = 0

    def add(self, connection: Unread, count: int) -> None:
        """Note what a client that does not read has still to read."""
        self.drop(connection)
        self._waiting[connection] = count
        self._total += count
        while self._total > self._max:
            oldest = next(iter(self._waiting))
            self.drop(oldest)
            oldest.abort()
            self._on_cut()

    def drop(self, connection: Unread) -> None:
        """Note that a client has read most of it, or is lost."""
        self._total -= self._waiting.pop(connection, 0)


class Timeouts(Generic[_Timed]):
    """Timeouts of the same length, in the order in which they are due: one timer for all of them."""

    def __init__(self, seconds: float, expire: Callable[[_Timed], None]) -> None:
        """Call `expire` with what was started this many seconds ago and not stopped."""
        self._seconds = seconds
        self._expire = expire
        self._due: dict[_Timed, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self, timed: _Timed) -> None:
        """Start a timeout, anew if it runs already."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._seconds
        self._due.pop(timed, None)
        self._due[timed] = due
        if self._timer is None:
            self._timer = loop.call_at(due, self._expire_due, loop)

    def stop(self, timed: _Timed) -> None:
        """Cancel a timeout, if it runs."""
        self._due.pop(timed, None)

    def close(self) -> None:
        """Cancel all timeouts."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire_due(self, loop: asyncio.AbstractEventLoop) -> None:
        now, late = loop.time(), list[_Timed]()
        self._timer = None
        for timed, due in self._due.items():
            if due > now:
                self._timer = loop.call_at(due, self._expire_due, loop)
                break
            late.append(timed)
        for timed in late:
            del self._due[timed]
        if self._due and self._timer is None:
            self._timer = loop.call_at(next(iter(self._due.values())), self._expire_due, loop)
        for timed in late:
            self._expire(timed)
