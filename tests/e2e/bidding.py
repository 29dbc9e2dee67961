"""Bidders who remember what they were told, and the account that is checked against the server afterwards."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import count, pairwise
from typing import Any

import httpx

from tests.e2e.gavel_process import Client, bidder

BIDDERS = 40
# How long a bidder waits before it asks a server again that could not answer.
REST_SECONDS = 0.05
# And before its next bid once enough are accepted: the fault has begun under load, and lasts for seconds.
CALM_SECONDS = 0.1

_numbers = count(1)


def new_bidders(how_many: int) -> list[int]:
    """Unique numbers of bidders, for tests that share a server."""
    return [next(_numbers) for _ in range(how_many)]


class Told:
    """The bids that were answered as accepted, and a way to wait until they are so many.

    `cut` is what became of requests that had left whole and got no answer. No more requests are sent once it is `over`.
    """

    def __init__(self, enough: int) -> None:
        self.bids: list[dict[str, Any]] = []
        self.unavailable = 0
        self.cut: list[str] = []
        self.enough = asyncio.Event()
        self.over = False
        self._enough_count = enough

    def add(self, bid: dict[str, Any]) -> None:
        """Keep what was answered."""
        self.bids.append(bid)
        if len(self.bids) >= self._enough_count:
            self.enough.set()


class _Sending:
    """How far a request has come, as httpx traces it."""

    def __init__(self) -> None:
        self.is_whole = False

    async def trace(self, event: str, _: object) -> None:
        """See httpx's extension of this name."""
        if event == "http11.send_request_body.complete":
            self.is_whole = True


async def bid_on(client: Client, item_id: str, number: int, told: Told, **headers: str) -> None:
    """One bidder who goes on until it is over, or the server is gone.

    That is where nothing was sent: no server listens, or the connection was closed before. Everything else is `cut`.
    It bids as fast as it can until enough are accepted, and at a calm pace afterwards.
    """
    amount = 100 + number
    while not told.over:
        bid, sending = {"itemId": item_id, "userId": bidder(number), "amount": amount}, _Sending()
        try:
            reply = await client.http.post(
                client.url_of("PlaceBid"), json=bid, headers=headers, extensions={"trace": sending.trace}
            )
        except httpx.TransportError as error:
            if sending.is_whole:
                told.cut.append(repr(error))
            return
        answer = reply.json()
        if reply.status_code == 200:
            told.add(answer["bid"])
            if told.enough.is_set():
                await asyncio.sleep(CALM_SECONDS)
            amount = int(answer["minimumNextBid"]) + BIDDERS
        elif answer["code"] == "failed_precondition":
            amount = int(answer["details"][0]["debug"]["minimumNextBid"]) + number
        else:
            assert answer["code"] in ("unavailable", "deadline_exceeded"), answer
            told.unavailable += 1
            await asyncio.sleep(REST_SECONDS)


@asynccontextmanager
async def bidding(
    clients: Sequence[Client], told: Told, bidders: int = BIDDERS, **headers: str
) -> AsyncGenerator[list[str]]:
    """Inside the context new bidders bid on two new items at several APIs; yields the items.

    On the way out each is answered what it has asked, and asks no more: the account is exact.
    """
    item_ids = [await clients[0].list_item(bidIncrement={"fixed": 1}) for _ in range(2)]
    async with asyncio.TaskGroup() as group:
        for number in new_bidders(bidders):
            group.create_task(bid_on(clients[number % len(clients)], item_ids[number % 2], number, told, **headers))
        yield item_ids
        told.over = True


async def check_account(client: Client, item_ids: list[str], told: list[dict[str, Any]]) -> None:
    """Every bid that was answered is there, seq has no gap, amounts rise, and the totals are the sums of the bids."""
    sums: dict[str, tuple[int, int]] = {}
    stored: dict[str, dict[str, Any]] = {}
    for item_id in item_ids:
        bids = await client.bids(item_id)
        assert [int(bid["seq"]) for bid in bids] == list(range(2, len(bids) + 2))
        for before, after in pairwise(bids):
            # Only an automatic bid may equal the one before it, which it beats by being earlier.
            least = int(before["amount"]) + (0 if after.get("automatic") else 1)
            assert int(after["amount"]) >= least
        for bid in bids:
            stored[bid["id"]] = bid
            count, total = sums.get(bid["userId"], (0, 0))
            sums[bid["userId"]] = count + 1, total + int(bid["amount"])
    assert told
    assert [bid for bid in told if stored.get(bid["id"]) != bid] == []
    for user_id, (count, total) in sums.items():
        stats = await client.stats_once(user_id, total_bids=count)
        assert int(stats["totalAmount"]) == total
