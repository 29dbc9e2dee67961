"""A real server on a real socket that answers as scripted, byte for byte."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

# What a script may do instead of answering.
SILENCE = b"(say nothing)"
HANG_UP = b"(close the connection)"


def ok(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A reply with a length."""
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", f"content-length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class ScriptedServer:
    """Answers the n-th request with the n-th line of its script, and keeps what it was sent."""

    def __init__(self, script: Sequence[bytes]) -> None:
        self._script = iter(script)
        self.url = ""
        self.asked = asyncio.Event()
        self.connections = 0
        self.heads: list[str] = []
        self.bodies: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                [length] = [line.split(": ")[1] for line in head.split("\r\n") if line.startswith("content-length")]
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(int(length)))
                self.asked.set()
                answer = next(self._script)
                if answer == HANG_UP:
                    return
                if answer != SILENCE:
                    writer.write(answer)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def scripted_server(*script: bytes) -> AsyncGenerator[ScriptedServer]:
    """A listening server with a script."""
    scripted = ScriptedServer(script)
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield scripted
