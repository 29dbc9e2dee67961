"""A real process under thousands of sockets of slow and hostile clients: the honest ones are served all the same.

The clients are those of `make bench BENCH_FLAGS="--only hostile"`, which measures how long the honest wait meanwhile.
"""

import asyncio
from collections.abc import Generator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest

from gavel_tools.bench.clients.bid_service import create_items, create_long_items
from gavel_tools.bench.clients.hostile import KINDS, LIMITED, hostile
from gavel_tools.bench.systems.processes import GAVEL_COMMAND, Server, running_server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HONEST = 8
BIDS_EACH = 15
# What a kind of clients may add to the process's memory; all replies and streams that wait are bounded.
MEMORY_MB_MAX = 300.0
# Fewer calls than the one seller makes, who also lists the items.
SETTINGS = {**LIMITED, "SELLER_CALLS_PER_DAY": "200"}
# These are only slow: what they hold is bounded in bytes, and they are cut off after some time.
SLOW = {"harmless", "unread", "unread_streams"}


@dataclass(frozen=True, slots=True)
class Attacked:
    """A server, an honest bidder's items, and the items with the longest texts."""

    server: Server
    item_ids: list[str]
    long_ids: list[str]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Generator[Attacked]:
    with running_server(GAVEL_COMMAND, tmp_path_factory.mktemp("attacked"), SETTINGS) as server:
        item_ids = create_items(server.port, "honest", HONEST)
        yield Attacked(server, item_ids, create_long_items(server.port, "hostile", 100))


async def _honest(attacked: Attacked) -> None:
    """Bid and read as honest clients do. Every call must succeed."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{attacked.server.port}", timeout=60) as client:

        async def ok(method: str, message: dict[str, object]) -> dict[str, object]:
            reply = await client.post(f"/bids.v1.BidService/{method}", json=message)
            assert reply.status_code == 200, reply.text
            return reply.json()

        async def bid_on(item_id: str) -> None:
            item = (await ok("GetItem", {"id": item_id}))["item"]
            assert isinstance(item, dict)
            least = int(item["minimumNextBid"])  # pyright: ignore[reportUnknownArgumentType]
            for raised in range(BIDS_EACH):
                await ok("PlaceBid", {"itemId": item_id, "userId": str(uuid4()), "amount": least + raised})
                await ok("GetItem", {"id": item_id})

        await asyncio.gather(*(bid_on(item_id) for item_id in attacked.item_ids))


@pytest.mark.parametrize("kind", KINDS)
async def test_honest_clients_are_served_beside_each_kind_and_memory_stays_bounded(
    attacked: Attacked, kind: str
) -> None:
    before_mb = attacked.server.usage().memory_mb
    with hostile(kind, attacked.server.port, attacked.long_ids) as clients:
        await _honest(attacked)
        if kind not in SLOW:
            await asyncio.to_thread(clients.until_refused)
        outcomes = clients.end()
    assert attacked.server.usage().memory_mb - before_mb < MEMORY_MB_MAX
    assert kind in SLOW or outcomes.get("refused", 0) + outcomes.get("cut_off", 0) > 0
