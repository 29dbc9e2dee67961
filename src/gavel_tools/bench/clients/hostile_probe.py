"""Slow and hostile clients: `python -m gavel_tools.bench.clients.hostile_probe KIND PORT ITEM...`

They come from an address of the loopback that is their own, which the server must be set to limit
(`ADDRESS_LIMITS_EXEMPT`). It prints a line when they have begun and one when the first is refused or cut
off, goes on until its input ends, and prints how often that was, and the number of other replies.
"""

import asyncio
import itertools
import json
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any
from uuid import uuid4

from gavel.runtime.process.open_files import allow_open_files
from gavel_tools.bench.clients.bid_service import SELLER_ID
from gavel_tools.bench.systems.processes import HOST

ADDRESS = "127.0.0.2"
OPEN_FILES_MAX = 16_384
OPENING_AT_ONCE_MAX = 64
# A client that was cut off comes again after this.
AGAIN_SECONDS = 0.5
REPLY_BYTES_MAX = 65_536
# As an honest client's browser renews what it shows.
HARMLESS_SECONDS = 2.0
TEXT_CHARACTERS = 10_000

Act = Callable[["Clients"], Coroutine[Any, Any, None]]


class Clients:
    """All clients of this process: they act over and over, each on a connection of its own."""

    def __init__(self, port: int, item_ids: list[str]) -> None:
        self.port = port
        self.item_ids = item_ids
        self.outcomes = Counter[str]()
        self._opening = asyncio.Semaphore(OPENING_AT_ONCE_MAX)
        self._begun = asyncio.Semaphore(0)
        self._refused = asyncio.Event()

    async def run(self, act: Act, count: int) -> None:
        """Act as so many clients, and print a line when all have begun for the first time."""
        tasks = [asyncio.create_task(self._again(act)) for _ in range(count)]
        for _ in range(count):
            await self._begun.acquire()
        print("ready", flush=True)
        tasks.append(asyncio.create_task(self._report()))
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect from the address of these clients."""
        async with self._opening:
            try:
                return await asyncio.open_connection(HOST, self.port, local_addr=(ADDRESS, 0))
            finally:
                self._begun.release()

    async def replies(self, reader: asyncio.StreamReader) -> None:
        """Count the replies until the server closes the connection."""
        while data := await reader.read(REPLY_BYTES_MAX):
            for status in data.split(b"HTTP/1.1 ")[1:]:
                self._note("refused" if status[:3] in (b"429", b"503") else "replies")
            if b'"error"' in data:
                self._note("refused")

    async def _report(self) -> None:
        await self._refused.wait()
        print("refused", flush=True)

    def _note(self, outcome: str) -> None:
        self.outcomes[outcome] += 1
        if outcome != "replies":
            self._refused.set()

    async def _again(self, act: Act) -> None:
        while True:
            with suppress(OSError):
                await act(self)
            self._note("cut_off")
            await asyncio.sleep(AGAIN_SECONDS)


def request(method: str, message: dict[str, Any], kind: str = "json") -> bytes:
    """A call of BidService; with `connect+json` of a method that streams."""
    body = json.dumps(message).encode()
    if kind != "json":
        # Connect's envelope: no flags, and the length.
        body = b"\0" + len(body).to_bytes(4, "big") + body
    head = f"POST /bids.v1.BidService/{method} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/{kind}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def harmless(clients: Clients) -> None:
    """Read an item now and then."""
    reader, writer = await clients.connect()
    reading = asyncio.create_task(clients.replies(reader))
    while not reading.done():
        writer.write(request("GetItem", {"id": clients.item_ids[0]}))
        await asyncio.sleep(HARMLESS_SECONDS)


async def half_sent(clients: Clients) -> None:
    """Send a head, and no body."""
    reader, writer = await clients.connect()
    writer.write(request("GetItem", {"id": clients.item_ids[0]}).partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    await clients.replies(reader)


async def unread(clients: Clients) -> None:
    """Ask for the largest pages, and read nothing."""
    _, writer = await clients.connect()
    for _ in itertools.count():
        writer.write(request("ListItems", {"page_size": 100, "category": "hostile"}))
        await writer.drain()


async def flood(clients: Clients) -> None:
    """Ask again as soon as there is an answer, mostly a refusal."""
    reader, writer = await clients.connect()
    reading = asyncio.create_task(clients.replies(reader))
    while not reading.done():
        writer.write(request("GetItem", {"id": clients.item_ids[0]}))
        await writer.drain()
        await asyncio.sleep(0.01)


async def strangers(clients: Clients) -> None:
    """Ask for paths that there are not, with a forged token."""
    reader, writer = await clients.connect()
    reading = asyncio.create_task(clients.replies(reader))
    while not reading.done():
        path = f"/{uuid4()}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {uuid4()}\r\n\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.01)


async def connections(clients: Clients) -> None:
    """Connect, and send nothing."""
    reader, _ = await clients.connect()
    await clients.replies(reader)


async def invalid_bids(clients: Clients) -> None:
    """Send bids that reach no auction."""
    reader, writer = await clients.connect()
    reading = asyncio.create_task(clients.replies(reader))
    while not reading.done():
        writer.write(request("PlaceBid", {"item_id": "none", "user_id": "none", "amount": 1}) * 10)
        await writer.drain()
        await asyncio.sleep(0.05)


async def made_up_items(clients: Clients) -> None:
    """Watch items that there are not."""
    reader, writer = await clients.connect()
    items = [{"item_id": str(uuid4())} for _ in range(100)]
    writer.write(request("WatchItems", {"items": items}, "connect+json"))
    await clients.replies(reader)


async def unread_streams(clients: Clients) -> None:
    """Watch items with the longest texts, and read nothing."""
    _, writer = await clients.connect()
    items = [{"item_id": item_id} for item_id in clients.item_ids]
    writer.write(request("WatchItems", {"items": items}, "connect+json"))
    await writer.wait_closed()


async def long_texts(clients: Clients) -> None:
    """Change a description over and over."""
    reader, writer = await clients.connect()
    reading = asyncio.create_task(clients.replies(reader))
    while not reading.done():
        item = {
            "id": clients.item_ids[-1],
            "seller_id": SELLER_ID,
            "description": str(uuid4()) * (TEXT_CHARACTERS // 36),
        }
        writer.write(request("UpdateItem", item))
        await writer.drain()
        await asyncio.sleep(0.1)


# Each kind with the number of its clients.
KINDS: dict[str, tuple[Act, int]] = {
    "harmless": (harmless, 600),
    "half_sent": (half_sent, 600),
    "unread": (unread, 100),
    "flood": (flood, 200),
    "strangers": (strangers, 50),
    "connections": (connections, 3_000),
    "invalid_bids": (invalid_bids, 20),
    "made_up_items": (made_up_items, 200),
    "unread_streams": (unread_streams, 50),
    "long_texts": (long_texts, 10),
}


async def _main(kind: str, port: int, item_ids: list[str]) -> None:
    allow_open_files(OPEN_FILES_MAX)
    clients = Clients(port, item_ids)
    await clients.run(*KINDS[kind])
    print(json.dumps(clients.outcomes))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
