"""PlaceBid on raw sockets from a client that offers h2c, as the JDK's HttpClient does."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import pytest

from gavel.bids.adapters.postgres.writing.auction_book import PostgresAuctionBook
from gavel.bids.api import open_bid_api
from gavel.bids.domain.auction import ItemId
from gavel.contracts.bids.v1.bid_service_pb import PlaceBidRequest, PlaceBidResponse
from gavel.runtime.http.access_control import AccessControl
from gavel.runtime.http.routes import Pipeline, Routes
from gavel.runtime.http.server import bind, serving
from gavel.runtime.postgres import connections as postgres
from tests.auction_house import House, new_user

pytestmark = pytest.mark.integration

H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAA\r\n"
ENCODINGS = ("json", "proto")
# Every amount has as many digits, so that every request is as long.
FIRST_AMOUNT, STEP = 100_000_000, 20_000
BIDDERS = new_user(), new_user()


@dataclass
class Bidding:
    """A connection that bids on one item, more each time, by one of two bidders in turn."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    item_id: ItemId
    encoding: str
    amounts: "count[int]" = field(default_factory=lambda: count(FIRST_AMOUNT, STEP))

    def request(self, amount: int, *, chunked: bool = False) -> bytes:
        """A bid, as the bytes of an HTTP request."""
        bidder = BIDDERS[amount // STEP % 2]
        message = PlaceBidRequest(item_id=self.item_id, user_id=bidder, amount=amount)
        body = message.to_binary() if self.encoding == "proto" else message.to_json().encode()
        framed = b"content-length: %d\r\n\r\n%b" % (len(body), body)
        if chunked:
            framed = b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        head = b"POST /bids.v1.BidService/PlaceBid HTTP/1.1\r\nhost: gavel\r\ncontent-type: application/%b\r\n"
        return head % self.encoding.encode() + H2C + framed

    async def bid(self, places: Sequence[int] = (), *, chunked: bool = False) -> None:
        """Send a bid in pieces that are cut at these places; it must be accepted."""
        amount = next(self.amounts)
        request = self.request(amount, chunked=chunked)
        for begin, end in zip((0, *places), (*places, len(request)), strict=True):
            self.writer.write(request[begin:end])
            # The server is on this loop: these are its turns to read.
            for _ in range(3):
                await asyncio.sleep(0)
        assert await self._accepted_amount() == amount, places

    async def _accepted_amount(self) -> int:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = dict(line.split(": ", 1) for line in head[1:-1])
        body = await self._body(int(headers.get("content-length", -1)))
        assert (head[0], headers["content-type"]) == ("HTTP/1.1 200 OK", f"application/{self.encoding}"), body
        if self.encoding == "proto":
            reply = PlaceBidResponse.from_binary(body)
            return reply.bid.amount if reply.bid is not None else 0
        return int(json.loads(body)["bid"]["amount"])

    async def _body(self, length: int) -> bytes:
        """The body of a reply; without a length, of chunks."""
        if length >= 0:
            return await self.reader.readexactly(length)
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return body


@asynccontextmanager
async def _bidding(url: str, encoding: str) -> AsyncGenerator[tuple[Bidding, House]]:
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(await postgres.open_pool(url, "tests"))
        api = await stack.enter_async_context(open_bid_api(url, "USD"))
        assert isinstance(api.book, PostgresAuctionBook)
        house, listener = House(api.book, pool, url), bind("127.0.0.1", 0)
        await stack.enter_async_context(serving(Pipeline(Routes(api.routes), AccessControl()), listener, api.feed.stop))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        stack.callback(writer.close)
        item_id = await house.list_item(ends_in=timedelta(days=1))
        yield Bidding(reader, writer, item_id, encoding), house


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_a_bid_that_offers_an_upgrade_is_accepted_in_one_piece_and_cut_anywhere(
    shared_bid_db_url: str, encoding: str
) -> None:
    async with _bidding(shared_bid_db_url, encoding) as (bidding, house):
        length = len(bidding.request(FIRST_AMOUNT))
        for place in range(length):
            await bidding.bid([place] if place else [])
        await bidding.bid(range(1, length))
        await bidding.bid(chunked=True)
        await bidding.bid(range(1, len(bidding.request(FIRST_AMOUNT, chunked=True))), chunked=True)
        # One answer to each bid, and none to anything else: the next one is that to the last request.
        bidding.writer.write(b"GET /none HTTP/1.1\r\nhost: gavel\r\nconnection: close\r\n\r\n")
        assert (await bidding.reader.read()).startswith(b"HTTP/1.1 404")
        assert len(await house.bids(bidding.item_id)) == length + 3
