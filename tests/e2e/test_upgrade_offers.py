"""Real processes and a client that offers h2c with every request, as the JDK's HttpClient and Ktor do."""

import asyncio
import re
from uuid import uuid4

import httpx
import pytest

from gavel.contracts.bids.v1.bid_service_pb import PlaceBidRequest, PlaceBidResponse
from gavel_tools.local_servers.stack import Stack, StackPorts
from tests.e2e.gavel_process import Client, bidder
from tests.watching import watching

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

H2C = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA"}
PATH = {"bid-api": "/none", "stats-api": "/none", "admin": "/livez"}
PORTS = ("bid-api", "stats-api", *(f"admin of {name}" for name in StackPorts().admin))


@pytest.mark.parametrize("name", PORTS)
async def test_on_every_port_the_body_of_a_request_that_offers_an_upgrade_is_no_request(
    shared_stack: Stack, name: str
) -> None:
    ports = shared_stack.ports
    port = ports.admin[name.removeprefix("admin of ")] if name.startswith("admin") else ports.http_port(name)
    path = PATH[name.split(maxsplit=1)[0]]
    smuggled = f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"
    head = "".join(f"{field}: {value}\r\n" for field, value in H2C.items())
    length = len(smuggled)
    head = f"GET {path} HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n{head}\r\n"
    last = f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"

    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode())
    # Once the server has read the head, the body is a packet of its own.
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write((smuggled + last).encode())
    replies = re.findall(rb"HTTP/1\.1 (\d+)", await reader.read())
    writer.close()
    assert len(replies) == 2
    assert replies[0] == replies[1]


async def test_a_bid_is_accepted_from_a_client_that_offers_an_upgrade(client: Client) -> None:
    item_id = await client.list_item(headers=H2C)
    reply = await client.call("PlaceBid", {"itemId": item_id, "userId": bidder(1), "amount": 100}, **H2C)
    assert (reply.status_code, reply.json()["bid"]["amount"]) == (200, "100")
    reply = await client.http.post(
        client.url_of("PlaceBid"),
        content=PlaceBidRequest(item_id=item_id, user_id=bidder(2), amount=5_000).to_binary(),
        headers={"Content-Type": "application/proto", **H2C},
    )
    assert reply.status_code == 200
    placed = PlaceBidResponse.from_binary(reply.content).bid
    assert placed is not None
    assert placed.amount == 5_000
    assert [int(bid["amount"]) for bid in await client.bids(item_id)] == [100, 5_000]


async def test_reads_totals_and_streams_are_answered_to_a_client_that_offers_an_upgrade(client: Client) -> None:
    # A user of its own: all tests share the totals.
    item_id, user_id = await client.list_item(headers=H2C), str(uuid4())
    assert (await client.ok("GetItem", {"id": item_id}, **H2C))["item"]["id"] == item_id
    await client.ok("PlaceBid", {"itemId": item_id, "userId": user_id, "amount": 100}, **H2C)
    await client.stats_once(user_id, 1)
    assert (await client.ok("GetUserStats", {"userId": user_id}, **H2C))["stats"]["totalBids"] == "1"
    for encoding in ("json", "proto"):
        offer = watching(client.url, {item_id: 1}, encoding=encoding, connection="upgrade", upgrade="h2c")
        async with offer as stream:
            assert await stream.seqs(2) == [2]


async def test_a_request_after_one_that_offers_an_upgrade_is_answered_on_the_same_connection(client: Client) -> None:
    one_connection = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(timeout=30, limits=one_connection) as http:
        same = Client(http, client.url)
        item_id = await same.list_item(headers=H2C)
        for _ in range(3):
            reply = await same.call("GetItem", {"id": item_id}, **H2C)
            assert (reply.status_code, reply.headers.get("connection")) == (200, None)
