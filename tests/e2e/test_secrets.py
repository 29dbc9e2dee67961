"""Reserves and maxima leave the database in nothing that anyone can read, but for a maximum in its owner's own list.

Long odd numbers are planted that nothing ever reaches; then all that came out is searched for them.
"""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.runtime.postgres.embedded import PostgresCluster
from tests.e2e.gavel_process import POLL_SECONDS, Client, Standalone
from tests.servers.otlp_collector import Collector, running_collector
from tests.watching import Stream, watching

pytestmark = pytest.mark.e2e

RESERVE, RESERVE_BESIDE_BUY_NOW, RESERVE_REFUSED = (
    817_263_544_536_271,
    826_374_655_647_383,
    10**15 + 835_485_766_758_493,
)
MAXIMUM, RAISED, LOWER, OTHERS, REUSED = (
    744_596_877_869_511, 753_607_988_971_623, 702_718_199_182_737, 661_829_310_293_849, 670_931_421_314_951,
)  # fmt: skip
UNSTORABLE, TOO_HIGH, IN_A_HURRY = 682_042_532_425_063, 10**15 + 693_153_643_536_171, 618_264_754_647_287
# One digit off the secrets' pattern: the buy-now price is shown, and must not be taken for one.
BUY_NOW = 900_000_000_000_001
SECRETS = (
    RESERVE, RESERVE_BESIDE_BUY_NOW, RESERVE_REFUSED, MAXIMUM, RAISED, LOWER, OTHERS, REUSED, UNSTORABLE, TOO_HIGH,
    IN_A_HURRY,
)  # fmt: skip
SELLER, ANNA, BELA, CARLA = (str(uuid4()) for _ in range(4))


def found(haystack: bytes) -> list[int]:
    """The secrets in it, as digits or as Protobuf writes a number."""
    plain = haystack.replace(b",", b"").replace(b"_", b"")
    return [secret for secret in SECRETS if str(secret).encode() in plain or _varint(secret) in haystack]


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


class Wiretap:
    """All that the server says, call by call."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.said: list[tuple[str, bytes]] = []

    async def call(self, method: str, **body: Any) -> dict[str, Any]:
        """Call a method as JSON, and keep what it says, details of errors unpacked."""
        reply = await self.client.call(method, body)
        self._keep(method, reply)
        for detail in reply.json().get("details", []):
            self.said.append((method, base64.b64decode(detail["value"] + "==")))
        return reply.json()

    async def read(self, method: str, message: Any) -> bytes:
        """Call a method in binary."""
        reply = await self.client.http.post(
            self.client.url_of(method), content=message.to_binary(), headers={"Content-Type": "application/proto"}
        )
        assert reply.status_code == 200
        self._keep(method, reply)
        return reply.content

    async def page(self, path: str, url: str = "") -> None:
        """Look at a page that is no method."""
        self._keep(path, await self.client.http.get(f"{url or self.client.url}{path}"))

    async def watched(self, stream: Stream, seqs: dict[str, int]) -> None:
        """Keep what a stream says until it has told these seqs of the items."""
        told = dict.fromkeys(seqs, 0)
        while any(told[item_id] < seq for item_id, seq in seqs.items()):
            message = await stream.next()
            self.said.append(("WatchItems", json.dumps(message).encode()))
            if (event := message.get("event")) is not None:
                told[event["itemId"]] = int(event["seq"])

    def _keep(self, name: str, reply: httpx.Response) -> None:
        self.said.append((name, b"\n".join(name + b": " + value for name, value in reply.headers.raw) + reply.content))

    async def list_item(self, **fields: Any) -> str:
        """List an item; its id."""
        item = {"title": "x", "sellerId": SELLER, "startPrice": 100, "endAt": "2035-01-01T00:00:00Z"} | fields
        return (await self.call("CreateItem", **item))["item"]["id"]

    async def bid(self, item_id: str, user_id: str, amount: int, maximum: int = 0, key: str = "") -> dict[str, Any]:
        """Bid, whatever comes of it."""
        return await self.call(
            "PlaceBid", itemId=item_id, userId=user_id, amount=amount, maxAmount=maximum, idempotencyKey=key
        )


@asynccontextmanager
async def _bid_db(gavel: Standalone) -> AsyncGenerator[asyncpg.Connection]:
    connection = await asyncpg.connect(PostgresCluster(gavel.folder).server.url("bid_db"))
    try:
        yield connection
    finally:
        await connection.close()


async def _keep_what_is_published(database: asyncpg.Connection) -> None:
    """Outbox rows are gone as soon as they are counted: keep a copy of each."""
    await database.execute(
        """
        CREATE TABLE published (routing_key text, body bytea);
        CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO published VALUES (NEW.routing_key, NEW.body); RETURN NULL; END $$;
        CREATE TRIGGER keep AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION keep();
        """
    )


async def use_all_of_it(tap: Wiretap) -> None:
    """Every way to plant a secret, and every way in which one might be told."""
    reserved = await tap.list_item(reservePrice=RESERVE)
    priced = await tap.list_item(reservePrice=RESERVE_BESIDE_BUY_NOW, buyNowPrice=BUY_NOW)
    ending = await tap.list_item(
        reservePrice=RESERVE, endAt=(datetime.now(UTC) + timedelta(seconds=8)).isoformat(), softClose={}
    )
    await tap.call("CreateItem", title="x", sellerId=SELLER, startPrice=100, reservePrice=RESERVE_REFUSED)
    item_ids = (reserved, priced, ending)
    from_the_start = dict.fromkeys(item_ids, 0)
    async with (
        watching(tap.client.url, from_the_start) as as_json,
        watching(tap.client.url, from_the_start, encoding="proto") as as_binary,
    ):
        await _bid_and_look(tap, *item_ids)
        seqs = {item_id: int((await tap.call("GetItem", id=item_id))["item"]["seq"]) for item_id in item_ids}
        for stream in (as_json, as_binary):
            await tap.watched(stream, seqs)
    async with watching(tap.client.url, dict.fromkeys(item_ids, 1)) as resumed:
        await tap.watched(resumed, seqs)


async def _bid_and_look(tap: Wiretap, reserved: str, priced: str, ending: str) -> None:
    for item_id in (ending, reserved, priced):
        await tap.bid(item_id, ANNA, 1_000, MAXIMUM, "a")
        await tap.bid(item_id, BELA, 2_000, 3_000)
        await tap.bid(item_id, BELA, 1_001, OTHERS, "refused: too low")
        await tap.bid(item_id, ANNA, 4_000, RAISED, "raise")
        await tap.bid(item_id, ANNA, 4_000, LOWER)
        await tap.bid(item_id, ANNA, 4_000, REUSED, "raise")
        await tap.bid(item_id, SELLER, 5_000, OTHERS)
        await tap.bid(item_id, CARLA, 5_000, TOO_HIGH)
        await tap.bid(item_id, CARLA, 6_000, UNSTORABLE)
        await tap.call("PlaceBid", itemId=item_id, userId=CARLA, amount=3_000, maxAmount=f"{OTHERS}.0 or so")
        hurry = {"itemId": item_id, "userId": CARLA, "amount": 3_000, "maxAmount": IN_A_HURRY}
        reply = await tap.client.call("PlaceBid", hurry, **{"Connect-Timeout-Ms": "1"})
        tap.said.append(("PlaceBid", reply.content))
    await tap.call("UpdateItem", id=reserved, sellerId=SELLER, category="maps")
    await tap.call("UpdateItem", id=reserved, sellerId=SELLER, title="too late")
    await tap.call("CancelItem", id=reserved, sellerId=SELLER)
    await tap.call("BuyNow", itemId=reserved, userId=CARLA)
    await _look_at_all_of_it(tap, reserved, priced, ending)
    await tap.call("BuyNow", itemId=priced, userId=CARLA)
    async with asyncio.timeout(30):
        while "outcome" not in (await tap.call("GetItem", id=ending))["item"]:  # noqa: ASYNC110 - the server's
            await asyncio.sleep(POLL_SECONDS)
    await tap.client.stats_once(ANNA, total_bids=6, within_seconds=30)
    await _look_at_all_of_it(tap, reserved, priced, ending)


async def _look_at_all_of_it(tap: Wiretap, *item_ids: str) -> None:
    for item_id in item_ids:
        await tap.read("GetItem", pb.GetItemRequest(id=item_id))
        await tap.read("GetItemBids", pb.GetItemBidsRequest(item_id=item_id))
        await tap.read("GetLeaderboard", pb.GetLeaderboardRequest(item_id=item_id))
        for method, body in (("GetItem", {"id": item_id}), ("GetItemBids", {"itemId": item_id})):
            await tap.call(method, **body)
        await tap.call("GetLeaderboard", itemId=item_id)
    for status in ("ACTIVE", "ENDED", "CANCELLED", "SCHEDULED"):
        await tap.call("ListItems", status=f"ITEM_STATUS_{status}")
    await tap.read("ListSellerItems", pb.ListSellerItemsRequest(seller_id=SELLER))
    await tap.call("ListSellerItems", sellerId=SELLER)
    for user_id in (ANNA, BELA, CARLA, SELLER):
        await tap.call("GetUserStats", userId=user_id)
    for user_id in (BELA, CARLA, SELLER):
        await tap.call("ListMyBids", userId=user_id)
    await tap.call("ListTopBidders")
    for path in ("/livez", "/readyz", "/metrics", "/"):
        await tap.page(path)


@pytest.fixture
def collector() -> Generator[Collector]:
    """Where the spans go."""
    with running_collector() as running:
        yield running


async def test_no_reserve_and_no_maximum_is_found_in_anything_that_leaves(
    data_folder: Path, collector: Collector
) -> None:
    gavel = Standalone(data_folder)
    gavel.env |= {"LOG_LEVEL": "DEBUG", "LOG_FORMAT": "json", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    await gavel.start()
    try:
        async with httpx.AsyncClient(timeout=30) as http, _bid_db(gavel) as database:
            await _keep_what_is_published(database)
            # A bug, as far as the server can tell: what was decided can't be stored, and the error quotes it.
            await database.execute(f"ALTER TABLE bids ADD CHECK (maximum <> {UNSTORABLE})")
            tap = Wiretap(Client(http, gavel.url))
            await use_all_of_it(tap)
            told_to_anna = [
                json.dumps(await tap.client.ok("ListMyBids", {"userId": ANNA})).encode(),
                await Wiretap(tap.client).read("ListMyBids", pb.ListMyBidsRequest(user_id=ANNA)),
            ]
            published = [(row["routing_key"], row["body"]) for row in await database.fetch("SELECT * FROM published")]
            stored = await database.fetchval("SELECT count(*) FROM auctions WHERE leader_maximum = $1", RAISED)
            planted = await database.fetchval("SELECT count(*) FROM auctions WHERE reserve_price = $1", RESERVE)
    finally:
        await gavel.stop()
    logs = await gavel.logs()
    postgres_log = (gavel.folder / "postgres.log").read_text()

    assert [name for name, said in tap.said if found(said)] == []
    assert [key for key, body in published if found(body)] == []
    assert [line for line in (logs + postgres_log).splitlines() if found(line.encode())] == []
    assert [body for body in collector.bodies if found(body)] == []
    # All of it was there to be found, and this search finds what the one who may see it is shown.
    assert (stored, planted) == (2, 2)
    assert [found(told) for told in told_to_anna] == [[RAISED]] * 2
    assert {key for key, _ in published} == {"item.listed", "bid.placed", "auction.closed"}
    assert "NotStorable" in logs
    assert "violates check constraint" in postgres_log
    assert {"bids.v1.BidService/PlaceBid", "commit batch"} <= {span.name for span in collector.spans()}
    watched = b"".join(said for name, said in tap.said if name == "WatchItems")
    assert all(kind in watched for kind in (b'"snapshot"', b'"bidPlaced"', b'"closed"'))
    assert any(name == "/metrics" and b"\ngavel_" in said for name, said in tap.said)
    codes = {json.loads(said[said.index(b"{") :])["code"] for _, said in tap.said if b'{"code"' in said}
    assert {"internal", "invalid_argument", "failed_precondition", "permission_denied", "already_exists"} <= codes
