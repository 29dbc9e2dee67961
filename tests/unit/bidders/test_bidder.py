"""One bidder against a server with a script: what it asks next, and what goes into the account."""

import asyncio
import json
from base64 import b64encode
from contextlib import suppress
from typing import Any

import pytest

from gavel.contracts.bids.v1.bid_service_pb import BidRejected
from gavel_tools.bidders import strategies
from gavel_tools.bidders.account import Account, Placed
from gavel_tools.bidders.bidder import Bidder, Bounds
from gavel_tools.bidders.calls import Caller
from gavel_tools.bidders.http_connection import address_of
from gavel_tools.bidders.market import ItemOnSale, Market
from gavel_tools.bidders.options import NEEDS_TOKENS
from gavel_tools.bidders.tally import CallTally
from tests.unit.bidders.scripted_server import SILENCE, ScriptedServer, ok, scripted_server

Reason = BidRejected.Reason
SEED = 1


def accepted(seq: int, amount: int) -> bytes:
    bid = {"id": f"bid-{seq}", "seq": str(seq), "amount": str(amount)}
    return ok(json.dumps({"bid": bid, "currentHighestBid": amount, "minimumNextBid": amount + 50}).encode())


def refused(reason: BidRejected.Reason, price: int = 1_000, minimum: int = 1_050) -> bytes:
    detail = BidRejected(reason=reason, current_highest_bid=price, minimum_next_bid=minimum)
    value = b64encode(detail.to_binary()).decode().rstrip("=")
    error = {"code": "failed_precondition", "details": [{"type": "bids.v1.BidRejected", "value": value}]}
    return ok(json.dumps(error).encode(), status="400 Bad Request")


def failed(code: str, status: str) -> bytes:
    return ok(json.dumps({"code": code, "message": "no"}).encode(), status=status)


class Run:
    """One bidder, its items, and the account of what it was answered."""

    def __init__(self, server: ScriptedServer, count: int, *, items: int = 1, buy_now_price: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self.account = Account()
        self.bounds = Bounds(asyncio.Event(), loop.time() + 60, count)
        self.caller = Caller(address_of(server.url), CallTally())
        market = Market(
            [
                ItemOnSale(f"item-{number}", 1_000, 1_050, "ann", loop.time() + 3_600, buy_now_price)
                for number in range(items)
            ]
        )
        self.bidder = Bidder(
            0, "bob", SEED, caller=self.caller, market=market, account=self.account, bounds=self.bounds
        )

    async def to_its_end(self) -> None:
        """Bid until the count is reached, or nothing is left to bid on."""
        try:
            async with asyncio.timeout(10):
                await self.bidder.bid_on(pause_seconds=0)
        finally:
            self.caller.close()


def asked(server: ScriptedServer) -> list[dict[str, Any]]:
    return [json.loads(body) for body in server.bodies]


async def test_each_bid_has_a_key_of_its_own_and_the_count_ends_the_run() -> None:
    async with scripted_server(*(accepted(seq, 1_000 * seq) for seq in range(2, 6))) as server:
        run = Run(server, count=4)
        await run.to_its_end()
    assert len({request["idempotencyKey"] for request in asked(server)}) == 4
    assert (run.account.asked, run.account.accepted, run.bounds.why) == (4, 4, "the count is reached")
    assert run.bounds.stopping.is_set()


async def test_after_too_low_the_same_item_is_bid_on_again_with_what_the_refusal_asks_for() -> None:
    async with scripted_server(refused(Reason.TOO_LOW, 70_000, 70_500), accepted(9, 70_500)) as server:
        run = Run(server, count=2, items=50)
        await run.to_its_end()
    first, second = asked(server)
    assert second["itemId"] == first["itemId"]
    assert int(second["amount"]) >= 70_500
    assert run.account.refused == {"TOO_LOW": 1}


@pytest.mark.parametrize("reason", [Reason.ENDED, Reason.CANCELLED])
async def test_an_item_that_is_over_is_not_bid_on_again(reason: BidRejected.Reason) -> None:
    async with scripted_server(refused(reason), refused(reason)) as server:
        run = Run(server, count=10, items=2)
        await run.to_its_end()
    assert sorted(request["itemId"] for request in asked(server)) == ["item-0", "item-1"]
    assert run.account.refused == {str(reason): 2}


async def test_a_purchase_is_accounted_at_the_buy_now_price_and_ends_the_item(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategies, "BUY_NOW_SHARE", 1.0)
    async with scripted_server(ok(b'{"item": {"id": "item-0"}}')) as server:
        run = Run(server, count=10, buy_now_price=9_000)
        await run.to_its_end()
    assert server.heads[0].startswith("POST /bids.v1.BidService/BuyNow ")
    assert asked(server)[0] == {"itemId": "item-0", "userId": "bob", "idempotencyKey": "bid-1"}
    assert run.account.items["item-0"].purchases == [Placed("bob", 9_000)]


async def test_a_server_without_buy_now_is_bid_at_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategies, "BUY_NOW_SHARE", 1.0)
    script = (failed("unimplemented", "501 Not Implemented"), accepted(2, 2_000), accepted(3, 3_000))
    async with scripted_server(*script) as server:
        run = Run(server, count=3, items=5, buy_now_price=9_000)
        await run.to_its_end()
    methods = [head.split(" ")[1].rpartition("/")[2] for head in server.heads]
    assert methods == ["BuyNow", "PlaceBid", "PlaceBid"]
    assert (run.account.failed, run.account.refused) == ({}, {"BUY_NOW_UNIMPLEMENTED": 1})


async def test_a_server_that_wants_a_token_ends_the_run_in_words() -> None:
    async with scripted_server(failed("unauthenticated", "401 Unauthorized")) as server:
        run = Run(server, count=10)
        await run.to_its_end()
    assert run.bounds.why == f"the server says unauthenticated: {NEEDS_TOKENS}"
    assert len(server.bodies) == 1


@pytest.mark.parametrize(("code", "doubtful"), [("internal", 1), ("already_exists", 0)])
async def test_a_failure_is_kept_with_its_words_and_its_doubt(code: str, doubtful: int) -> None:
    async with scripted_server(failed(code, "500 Internal Server Error")) as server:
        run = Run(server, count=1)
        await run.to_its_end()
    assert run.account.failed == {f"{code}: no": 1}
    assert run.account.items["item-0"].doubtful.total() == doubtful


async def test_a_bid_that_is_cut_off_before_its_answer_is_in_doubt() -> None:
    async with scripted_server(SILENCE) as server:
        run = Run(server, count=1)
        bidding = asyncio.create_task(run.to_its_end())
        async with asyncio.timeout(5):
            await server.asked.wait()
        bidding.cancel()
        with suppress(asyncio.CancelledError):
            await bidding
    [request] = asked(server)
    assert run.account.items["item-0"].doubtful == {Placed("bob", int(request["amount"])): 1}
    assert run.account.accepted == 0
