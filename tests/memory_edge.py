"""The bid API on a real port and on a book in memory: all of the HTTP edge, and no database to wait for."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from gavel.bids.adapters.connect.reads import ReadApi
from gavel.bids.adapters.connect.routes import bid_service
from gavel.bids.adapters.connect.service import BidApi
from gavel.bids.adapters.connect.watch import WatchApi
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.events import BidPlaced
from gavel.contracts.bids.v1.bid_service_pb import PlaceBidRequest, PlaceBidResponse
from gavel.runtime.http.access_control import AccessControl
from gavel.runtime.http.connect.page_tokens import PageTokens
from gavel.runtime.http.health import health_routes
from gavel.runtime.http.routes import Pipeline, Routes
from gavel.runtime.http.server import bind, serving
from tests.auction_house import BookWords
from tests.raw_http import Address, Reply
from tests.unit.bids.memory_book import MemoryAuctionBook, MemoryItemCatalogue

PLACE_BID = "/bids.v1.BidService/PlaceBid"
PAGE = "/livez"
ENCODINGS = ("json", "proto")


@dataclass(frozen=True, slots=True)
class MemoryEdge(BookWords):
    """A served book: what it stored, and where it is."""

    book: MemoryAuctionBook
    address: Address

    def amounts(self, item_id: ItemId) -> list[int]:
        """The amounts of an item's stored bids, in order."""
        bids = (event for event in self.book.events if isinstance(event, BidPlaced))
        return [bid.amount for bid in bids if bid.item_id == item_id]


@asynccontextmanager
async def memory_edge(access_control: AccessControl | None = None) -> AsyncGenerator[MemoryEdge]:
    """Serve BidService, but for its streams, and the health pages on a free port."""
    book = MemoryAuctionBook()

    async def secret() -> bytes:
        return b"a secret"

    # Neither leaderboards nor streams are asked for.
    absent = cast("Any", None)
    catalogue = MemoryItemCatalogue(book)
    reads = ReadApi(catalogue, absent, PageTokens(secret))
    service = bid_service(BidApi(book, catalogue, "USD"), reads, WatchApi(absent, absent))
    listener = bind("127.0.0.1", 0)
    handler = Pipeline(Routes({**service.routes, **health_routes({})}), access_control or AccessControl())
    async with serving(handler, listener):
        yield MemoryEdge(book, listener.getsockname())


def encoded(request: PlaceBidRequest, encoding: str) -> bytes:
    """A message in one of Connect's encodings."""
    return request.to_binary() if encoding == "proto" else request.to_json().encode()


def placed_amount(reply: Reply) -> int:
    """The amount of an accepted bid; 0 of another answer."""
    if reply.status != 200:
        return 0
    if reply.headers["content-type"] == "application/proto":
        message = PlaceBidResponse.from_binary(reply.body)
    else:
        message = PlaceBidResponse.from_json(reply.body.decode())
    return message.bid.amount if message.bid is not None else 0
