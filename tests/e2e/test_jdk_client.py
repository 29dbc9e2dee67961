"""A client as the JDK's HttpClient is by default: HTTP/2 preferred, over cleartext, which it offers as an upgrade.

Everywhere its requests are sent as bytes, as OpenJDK 17 sends them; where `java` is installed, also by the JDK itself.
"""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gavel.runtime.http.connect.protocol import envelope
from tests.e2e.gavel_process import Client, bidder

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PROGRAM = Path(__file__).with_name("PlaceAndWatch.java")
# The JDK compiles the program first.
PROGRAM_SECONDS_MAX = 120.0
# As OpenJDK 17.0.15 sends it; the body follows in a packet of its own.
HEAD = (
    "POST /bids.v1.BidService/{method} HTTP/1.1\r\n"
    "Connection: Upgrade, HTTP2-Settings\r\n"
    "Content-Length: {length}\r\n"
    "Host: {host}\r\n"
    "HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n"
    "Upgrade: h2c\r\n"
    "User-Agent: Java-http-client/17.0.15\r\n"
    "Content-Type: {content_type}\r\n"
    "\r\n"
)

# The replies to PlaceBid and the first message of WatchItems.
Answers = tuple[dict[str, Any], dict[str, Any]]


async def _by_bytes(url: str, bid: str, watch: str) -> Answers:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)

    async def send(method: str, content_type: str, body: bytes) -> None:
        head = HEAD.format(method=method, length=len(body), host=parts.netloc, content_type=content_type)
        writer.write(head.encode())
        await writer.drain()
        writer.write(body)

    async def head_of_reply() -> dict[str, str]:
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        assert status == "HTTP/1.1 200 OK"
        return dict(line.split(": ", 1) for line in lines)

    try:
        await send("PlaceBid", "application/json", bid.encode())
        placed = await reader.readexactly(int((await head_of_reply())["content-length"]))
        # The JDK keeps the connection and sends the next request on it.
        await send("WatchItems", "application/connect+json", envelope(watch.encode()))
        assert (await head_of_reply())["transfer-encoding"] == "chunked"
        first = await reader.readexactly(int(await reader.readline(), 16))
        return json.loads(placed), json.loads(first[5:])
    finally:
        writer.transport.abort()


async def _by_the_jdk(url: str, bid: str, watch: str) -> Answers:
    process = await asyncio.create_subprocess_exec(
        "java", str(PROGRAM), url, bid, watch, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PROGRAM_SECONDS_MAX):
        output, _ = await process.communicate()
    assert process.returncode == 0
    placed, watched = output.decode().splitlines()
    status, version, reply = placed.split(" ", 2)
    assert (status, version) == ("200", "HTTP_1_1")
    status, flags, first = watched.split(" ", 2)
    assert (status, flags) == ("200", "0")
    return json.loads(reply), json.loads(first)


CLIENTS: dict[str, Callable[[str, str, str], Awaitable[Answers]]] = {"bytes": _by_bytes}
if shutil.which("java"):
    CLIENTS["jdk"] = _by_the_jdk


@pytest.mark.parametrize("ask", CLIENTS.values(), ids=CLIENTS)
async def test_a_client_with_the_defaults_of_the_jdk_places_a_bid_and_watches_an_item(
    client: Client, ask: Callable[[str, str, str], Awaitable[Answers]]
) -> None:
    item_id = await client.list_item()
    bid = json.dumps({"itemId": item_id, "userId": bidder(1), "amount": 100})
    placed, first = await ask(client.url, bid, json.dumps({"items": [{"itemId": item_id}]}))
    assert placed["bid"]["amount"] == "100"
    assert (first["snapshot"]["id"], first["snapshot"]["currentHighestBid"]) == (item_id, "100")
    assert [bid["amount"] for bid in await client.bids(item_id)] == ["100"]
