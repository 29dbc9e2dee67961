"""Bidders who remember what they were told, and the account that is checked against the server afterwards."""

import asyncio
from itertools import count, pairwise
from typing import Any

import httpx

from tests.e2e.gavel_process import Client, bidder

BIDDERS = 40

_numbers = count(1)


def new_bidders(how_many: int) -> list[int]:
    """Numbers of bidders that nobody else has, for tests that share a server."""
    return [next(_numbers) for _ in range(how_many)]


class Told:
    """The bids that were answered as accepted, and a way to wait until they are so many."""

    def __init__(self, enough: int) -> None:
        self.bids: list[dict[str, Any]] = []
        self.enough = asyncio.Event()
        self._enough_count = enough

    def add(self, bid: dict[str, Any]) -> None:
        """Keep what was answered."""
        self.bids.append(bid)
        if len(self.bids) >= self._enough_count:
            self.enough.set()


async def bid_on(client: Client, item_id: str, number: int, told: Told) -> None:
    """One bidder who goes on until the server is gone."""
    amount = 100 + number
    while True:
        try:
            reply = await client.call("PlaceBid", {"itemId": item_id, "userId": bidder(number), "amount": amount})
        except httpx.TransportError:
            return
        answer = reply.json()
        if reply.status_code == 200:
            told.add(answer["bid"])
            amount = int(answer["minimumNextBid"]) + BIDDERS
        elif answer["code"] == "failed_precondition":
            amount = int(answer["details"][0]["debug"]["minimumNextBid"]) + number
        else:
            assert answer["code"] == "unavailable", answer


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
