"""A watcher as any client of Connect is one, on a bare socket, so that a test can also leave it unread."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gavel.contracts.bids.v1 import bid_service_pb as pb

PATIENCE_SECONDS = 20.0
READ_AHEAD_BYTES = 64 * 1024
PATH = "/bids.v1.BidService/WatchItems"


@dataclass(eq=False)
class Ended(Exception):
    """The stream's last message: how it ended."""

    code: str
    message: str
    metadata: Mapping[str, list[str]]


class Stream:
    """An open stream. Messages are read as they are asked for, and not before."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, encoding: str) -> None:
        self.reader = reader
        self.writer = writer
        self.status = 0
        self.headers: dict[str, str] = {}
        self._encoding = encoding
        self._buffer = b""

    async def next(self, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The next message, as JSON has it. Raises Ended, or ConnectionError where the connection ends without."""
        async with asyncio.timeout(seconds):
            flags, data = await self._frame()
        if flags == 2:
            end = json.loads(data)
            error = end.get("error", {"code": "ok", "message": ""})
            raise Ended(error["code"], error["message"], end.get("metadata", {}))
        if self._encoding == "proto":
            return json.loads(pb.WatchItemsResponse.from_binary(data).to_json())
        return json.loads(data)

    async def event(self) -> dict[str, Any]:
        """The next event; what else comes before it is passed over."""
        while "event" not in (message := await self.next()):
            pass
        return message["event"]

    async def seqs(self, last: int) -> list[int]:
        """The seqs of the events up to `last`."""
        seqs: list[int] = []
        while not seqs or seqs[-1] < last:
            seqs.append(int((await self.event())["seq"]))
        return seqs

    async def end(self) -> Ended:
        """How the stream ends; what comes before is passed over."""
        try:
            while True:
                await self.next()
        except Ended as ended:
            return ended

    async def _frame(self) -> tuple[int, bytes]:
        while len(self._buffer) < 5 or len(self._buffer) < 5 + int.from_bytes(self._buffer[1:5]):
            self._buffer += await self._chunk()
        length = int.from_bytes(self._buffer[1:5])
        flags, data = self._buffer[0], self._buffer[5 : 5 + length]
        self._buffer = self._buffer[5 + length :]
        return flags, data

    async def _chunk(self) -> bytes:
        if not self.status:
            await self._head()
        if "content-length" in self.headers:
            # A stream that ends before it began is one whole response.
            return await self.reader.readexactly(int(self.headers.pop("content-length")))
        size = await self.reader.readline()
        if not size.strip(b"0\r\n"):
            raise ConnectionError("the stream was over without a last message")
        data = await self.reader.readexactly(int(size, 16) + 2)
        return data[:-2]

    async def _head(self) -> None:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        self.status = int(lines[0].split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:-1])}


def request(wanted: Mapping[str, int], encoding: str) -> bytes:
    """The message that asks for these items, after these seqs."""
    message = pb.WatchItemsRequest(items=[pb.WatchPosition(item_id=i, after_seq=seq) for i, seq in wanted.items()])
    return message.to_binary() if encoding == "proto" else message.to_json().encode()


@asynccontextmanager
async def watching(
    url: str,
    wanted: Mapping[str, int] | bytes,
    *,
    encoding: str = "json",
    flags: int = 0,
    receive_bytes: int | None = None,
    **headers: str,
) -> AsyncGenerator[Stream]:
    """Watch these items, after these seqs (or as the bytes of a message ask for it), inside the context."""
    parts = urlsplit(url)
    endpoint = socket.socket()
    if receive_bytes is not None:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    endpoint.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(endpoint, (parts.hostname, parts.port))
    except OSError:
        endpoint.close()
        raise
    reader, writer = await asyncio.open_connection(sock=endpoint, limit=receive_bytes or READ_AHEAD_BYTES)
    try:
        message = wanted if isinstance(wanted, bytes) else request(wanted, encoding)
        body = bytes([flags]) + len(message).to_bytes(4) + message
        head = {
            "host": parts.netloc,
            "content-type": f"application/connect+{encoding}",
            "content-length": str(len(body)),
        }
        head |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        writer.write(f"POST {PATH} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        await writer.drain()
        yield Stream(reader, writer, encoding)
    finally:
        writer.transport.abort()
        writer.close()
