"""A small client of BidService for the benchmark: one kept connection, one packet a request, nothing in between."""

import json
import socket
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from gavel.bench.case import MeasurementFailed
from gavel.bench.processes import HOST

ANSWER_SECONDS_MAX = 10.0
PAGE_SIZE = 100
# Far enough that no soft close comes near.
AUCTION_LIFETIME = timedelta(days=1)
SELLER_ID = "5e11e400-0000-4000-8000-000000000001"


class ItemCount(NamedTuple):
    """An item's own word on what happened to it."""

    item_id: str
    bid_count: int
    seq: int


class BidServiceClient:
    """Calls in Connect JSON. Raises MeasurementFailed for any answer but 200."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection((HOST, port), timeout=ANSWER_SECONDS_MAX)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def call(self, method: str, message: Mapping[str, Any]) -> dict[str, Any]:
        """The reply to a message."""
        return json.loads(self.exchange(self.request(method, message)))

    def request(self, method: str, message: Mapping[str, Any]) -> bytes:
        """A call as the bytes to send."""
        body = json.dumps(message).encode()
        return (
            f"POST /bids.v1.BidService/{method} HTTP/1.1\r\nHost: {HOST}:{self._port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def exchange(self, request: bytes) -> bytes:
        """Send a request whole and return the body of its reply. Nothing else is done in between."""
        self._socket.sendall(request)
        reply = self._socket.recv(65_536)
        while b"\r\n\r\n" not in reply:
            reply += self._more()
        head, _, body = reply.partition(b"\r\n\r\n")
        length = _content_length(head)
        while len(body) < length:
            body += self._more()
        if not head.startswith(b"HTTP/1.1 200 "):
            raise MeasurementFailed(f"the server answered {head.splitlines()[0].decode()}: {body.decode()}")
        return body

    def _more(self) -> bytes:
        more = self._socket.recv(65_536)
        if not more:
            raise MeasurementFailed("the server closed the connection in the middle of a reply")
        return more


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    raise MeasurementFailed("the server sent a reply without a length")


def create_items(port: int, category: str, count: int) -> list[str]:
    """List items that rise by one, and return their ids."""
    message = {
        "title": "Measured",
        "category": category,
        "seller_id": SELLER_ID,
        "start_price": 1,
        "end_at": (datetime.now(UTC) + AUCTION_LIFETIME).isoformat(),
        "bid_increment": {"fixed": 1},
    }
    with closing(BidServiceClient(port)) as client:
        return [client.call("CreateItem", message)["item"]["id"] for _ in range(count)]


def count_bids(port: int, category: str) -> list[ItemCount]:
    """What the server itself says of the category's items."""
    counts: list[ItemCount] = []
    token = ""
    with closing(BidServiceClient(port)) as client:
        while True:
            page = client.call("ListItems", {"category": category, "page_size": PAGE_SIZE, "page_token": token})
            counts += [
                ItemCount(item["id"], int(item.get("bidCount", 0)), int(item["seq"])) for item in page.get("items", [])
            ]
            token = page.get("nextPageToken", "")
            if not token:
                return counts
