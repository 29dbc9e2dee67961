"""The calls that prepare and check a measurement: nothing here is timed."""

import http.client
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from gavel.bids.domain.texts import (
    DESCRIPTION_CHARACTERS_MAX,
    IMAGE_URL_CHARACTERS_MAX,
    IMAGES_MAX,
    TITLE_CHARACTERS_MAX,
)
from gavel_tools.bench.case import MeasurementFailed
from gavel_tools.bench.systems.processes import HOST

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


def create_items(port: int, category: str, count: int, token: str = "") -> list[str]:
    """List items that rise by one, and return their ids; signed in by the token, if any. Raises MeasurementFailed."""
    message = {
        "title": "Measured",
        "category": category,
        "seller_id": SELLER_ID,
        "start_price": 1,
        "end_at": (datetime.now(UTC) + AUCTION_LIFETIME).isoformat(),
        "bid_increment": {"fixed": 1},
    }
    with _connection(port) as connection:
        return [_call(connection, "CreateItem", message, token)["item"]["id"] for _ in range(count)]


def create_long_items(port: int, category: str, count: int) -> list[str]:
    """List items with the longest texts, and return their ids. Raises MeasurementFailed."""
    message = {
        "title": "x" * TITLE_CHARACTERS_MAX,
        "description": "x" * DESCRIPTION_CHARACTERS_MAX,
        "images": [f"/{number}/".ljust(IMAGE_URL_CHARACTERS_MAX, "x") for number in range(IMAGES_MAX)],
        "category": category,
        "seller_id": SELLER_ID,
        "start_price": 1,
        "end_at": (datetime.now(UTC) + AUCTION_LIFETIME).isoformat(),
    }
    with _connection(port) as connection:
        return [_call(connection, "CreateItem", message)["item"]["id"] for _ in range(count)]


def count_bids(port: int, category: str) -> list[ItemCount]:
    """What the server itself says of the category's items. Raises MeasurementFailed."""
    counts: list[ItemCount] = []
    token = ""
    with _connection(port) as connection:
        while True:
            asked = {"category": category, "page_size": PAGE_SIZE, "page_token": token}
            page = _call(connection, "ListItems", asked)
            counts += [
                ItemCount(item["id"], int(item.get("bidCount", 0)), int(item["seq"])) for item in page.get("items", [])
            ]
            token = page.get("nextPageToken", "")
            if not token:
                return counts


@contextmanager
def _connection(port: int) -> Generator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS_MAX)
    try:
        yield connection
    finally:
        connection.close()


def _call(
    connection: http.client.HTTPConnection, method: str, message: Mapping[str, Any], token: str = ""
) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    connection.request("POST", f"/bids.v1.BidService/{method}", json.dumps(message), headers)
    reply = connection.getresponse()
    body = reply.read()
    if reply.status != http.client.OK:
        raise MeasurementFailed(f"{method} was answered {reply.status}: {body.decode(errors='replace')}")
    return json.loads(body)
