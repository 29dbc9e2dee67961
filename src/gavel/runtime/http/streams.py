"""Streams: endless responses, each of which is a transport and one object, without a task or a parser."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from gavel.runtime.http.request_limits import UnreadBytes

# Buffered in this process; the kernel buffers what was written before, up to the bound below.
STREAM_BUFFER_BYTES_MAX = 128 * 1024
STREAM_SOCKET_BYTES_MAX = 64 * 1024
# Above this, `drained` waits.
STREAM_PAUSE_BYTES = 32 * 1024
STREAM_RESUME_BYTES = 8 * 1024

LAST_CHUNK = b"0\r\n\r\n"


class Stream(asyncio.Protocol):
    """A response whose head was sent with `transfer-encoding: chunked`, and whose chunks follow."""

    __slots__ = ("_drained", "_on_closed", "_paused", "_unread_bytes", "is_open", "transport")

    def __init__(self) -> None:
        self.transport = cast("asyncio.Transport", None)
        self.is_open = False
        self._on_closed: Callable[[], object] | None = None
        self._unread_bytes: UnreadBytes | None = None
        self._paused = False
        self._drained: asyncio.Future[None] | None = None

    def take_over(
        self, transport: asyncio.Transport, on_closed: Callable[[], object], unread_bytes: UnreadBytes
    ) -> None:
        """Take a connection from its protocol; `on_closed` is called when it is closed."""
        self._on_closed, self._unread_bytes = on_closed, unread_bytes
        transport.resume_reading()
        transport.set_protocol(self)
        self.connection_made(transport)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Limit the buffers, here and in the kernel, whose own limits would be some megabytes."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(STREAM_PAUSE_BYTES, STREAM_RESUME_BYTES)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, STREAM_SOCKET_BYTES_MAX)
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - it does not matter why
        """See asyncio.Protocol."""
        self.is_open = False
        self._wake()
        if self._on_closed is not None:
            self._on_closed()
        if self._unread_bytes is not None:
            self._unread_bytes.drop(self)
        self.lost()

    def lost(self) -> None:
        """Called once, when the connection is closed."""

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._paused = True
        if self._unread_bytes is not None:
            self._unread_bytes.add(self, STREAM_BUFFER_BYTES_MAX)

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._paused = False
        if self._unread_bytes is not None:
            self._unread_bytes.drop(self)
        self._wake()

    @property
    def is_full(self) -> bool:
        """Whether too much is unread to write more."""
        return self._paused and self.transport.get_write_buffer_size() > STREAM_BUFFER_BYTES_MAX

    def finish(self, chunks: bytes) -> None:
        """Write the last chunks, and close once they are sent."""
        if self.is_open:
            self.is_open = False
            self.transport.write(chunks + LAST_CHUNK)
            self.transport.close()
            self._wake()

    def abort(self) -> None:
        """Close now, and discard what is not sent."""
        self.transport.abort()

    async def drained(self) -> bool:
        """Wait while writing is paused; False if the stream has ended."""
        if self.is_open and self._paused:
            if self._drained is None:
                self._drained = asyncio.get_running_loop().create_future()
            await self._drained
        return self.is_open

    def _wake(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)


def chunk(data: bytes) -> bytes:
    """Frame data as one chunk of a chunked response."""
    return b"%x\r\n%b\r\n" % (len(data), data)
