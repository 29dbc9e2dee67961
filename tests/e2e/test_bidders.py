"""`gavel bidders` against a real Gavel: what it was answered, and what the server says afterwards, agree."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import pytest

from gavel.contracts.bids.v1.bid_service_pb import PlaceBidResponse
from gavel_tools.bidders.account import Account, Placed
from gavel_tools.bidders.http_connection import address_of
from gavel_tools.bidders.read_back import Verification, Verifier, readers
from gavel_tools.bidders.strategies import STRATEGIES
from gavel_tools.local_servers.ports import free_port
from gavel_tools.local_servers.stack import Stack
from tests.e2e.gavel_process import Client, Standalone, bidder, environment
from tests.proxies import DEAD_PROXY

pytestmark = pytest.mark.e2e

RUN_SECONDS_MAX = 60
BIDS = 250


async def _start(*arguments: str) -> Process:
    command = [sys.executable, "-m", "gavel", "bidders", *arguments]
    return await asyncio.create_subprocess_exec(*command, env=environment(**DEAD_PROXY), stdout=PIPE, stderr=PIPE)


async def _run(*arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a run."""
    process = await _start(*arguments)
    async with asyncio.timeout(RUN_SECONDS_MAX):
        out, error = await process.communicate()
    return process.returncode or 0, out.decode(), error.decode()


async def test_after_a_run_every_bid_and_every_total_agrees(shared_gavel: Standalone) -> None:
    status, out, error = await _run(
        "--url", shared_gavel.url, "--create", "4", "--bidders", "40", "--count", "1500", "--verify", "--json"
    )
    account = json.loads(out)
    assert (status, account["verification"]["differences"]) == (0, []), error
    assert (account["stopped"], account["asked"], account["failed"]) == ("the count is reached", 1500, {})
    assert {each["strategy"] for each in account["bidders"] if each["bids"]} == set(STRATEGIES)
    accepted = sum(each["bids"] for each in account["bidders"])
    assert accepted == account["accepted"] == sum(each["bids"] for each in account["items"])
    assert account["asked"] == accepted + account["raised_maxima"] + sum(account["refused"].values())
    # Proxies answer by themselves, so the server has more bids than it was asked for.
    assert account["verification"]["bids"] >= accepted > 0
    assert (account["verification"]["items"], account["verification"]["bidders"]) == (4, 40)


async def test_auctions_that_end_during_the_run_have_the_right_winners_and_totals(shared_gavel: Standalone) -> None:
    options = ("--create", "12", "--ends-in", "8", "--seconds", "15", "--bidders", "40", "--verify", "--json")
    status, out, error = await _run("--url", shared_gavel.url, *options)
    account = json.loads(out)
    verification = account["verification"]
    assert (status, verification["differences"], account["failed"]) == (0, [], {}), error
    assert (verification["items"], verification["ended"]) == (12, 12)
    # Whether a sniper's moment comes in time is chance.
    assert {each["strategy"] for each in account["bidders"] if each["bids"]} >= set(STRATEGIES) - {"sniper"}
    assert account["raised_maxima"] > 0


async def test_prices_end_within_what_the_bidders_would_pay(shared_gavel: Standalone, client: Client) -> None:
    options = ("--create", "8", "--seconds", "6", "--bidders", "30", "--verify", "--json")
    status, out, error = await _run("--url", shared_gavel.url, *options)
    account = json.loads(out)
    assert (status, account["verification"]["differences"]) == (0, []), error
    items = [(await client.ok("GetItem", {"id": each["item_id"]}))["item"] for each in account["items"]]
    for item in items:
        most = int(item.get("buyNowPrice", 0)) or 3 * int(item["startPrice"])
        assert int(item["startPrice"]) <= int(item["currentHighestBid"]) <= most
    assert len(items) == 8
    assert any(int(item["currentHighestBid"]) > int(item["startPrice"]) for item in items)


async def test_a_server_killed_during_the_run_and_started_again_has_what_it_answered(data_folder: Path) -> None:
    gavel = Standalone(data_folder)
    await gavel.start()
    process = await _start(
        "--url", gavel.url, "--create", "4", "--bidders", "40", "--seconds", "8", "--budget", "0", "--verify"
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(RUN_SECONDS_MAX):
            # The first line of progress: bidding is under way.
            lines = [(await process.stdout.readline()).decode()]
            await gavel.kill()
            await gavel.start()
            lines += (await process.stdout.read()).decode().splitlines(keepends=True)
            status = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
        await gavel.stop()
    said = "".join(lines)
    assert "accepted/s" in lines[0]
    assert status == 0, said
    assert "everything agrees" in lines[-1]
    assert "asked again with the same key" in said
    assert "no answer  none" not in said
    assert all(line.rstrip("\n").isprintable() for line in lines)


async def _bid_in_turn(client: Client, item_id: str, account: Account) -> None:
    """Two bidders bid one more than the other, and are answered."""
    for number in range(BIDS):
        body: dict[str, Any] = {"itemId": item_id, "userId": bidder(900 + number % 2), "amount": 100 + number}
        answer = PlaceBidResponse.from_json(json.dumps(await client.ok("PlaceBid", body)))
        assert answer.bid is not None
        account.accept(item_id, body["userId"], answer.bid, body["amount"])


async def _verify(gavel: Standalone, account: Account) -> Verification:
    address = address_of(gavel.url)
    async with readers(address, gavel.url) as bids, readers(address, gavel.url) as stats:
        return await Verifier(account, [bidder(900), bidder(901)], bids, stats).verify()


async def test_what_is_not_as_it_was_answered_is_found(
    shared_gavel: Standalone, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    item_id, account = await client.list_item(bidIncrement={"fixed": 1}), Account()
    await _bid_in_turn(client, item_id, account)
    assert await _verify(shared_gavel, account) == Verification(1, BIDS, 2, [])

    # From here on nothing that differs will settle.
    monkeypatch.setattr("gavel_tools.bidders.read_back.SETTLE_SECONDS_MAX", 0.0)
    bids = account.items[item_id].accepted
    bid_id, bid = next(iter(bids.items()))
    bids["never-placed"] = bid._replace(seq=999)
    bids[bid_id] = bid._replace(amount=bid.amount + 1)
    account.buy(item_id, Placed(bidder(900), 99_999))
    found = (await _verify(shared_gavel, account)).differences
    for sentence in ("bid never-placed of", f"bid {bid_id} was answered as", f"{bidder(900)} bought it for 99999"):
        assert any(sentence in each for each in found), found


async def test_a_total_that_is_not_the_sum_of_the_known_bids_is_found(
    shared_gavel: Standalone, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, known, unknown = Account(), await client.list_item(), await client.list_item()
    for item_id in (known, unknown):
        body: dict[str, Any] = {"itemId": item_id, "userId": bidder(902), "amount": 100}
        answer = PlaceBidResponse.from_json(json.dumps(await client.ok("PlaceBid", body)))
        assert answer.bid is not None
        if item_id == known:
            account.accept(item_id, body["userId"], answer.bid, body["amount"])
    await client.stats_once(bidder(902), total_bids=2)
    monkeypatch.setattr("gavel_tools.bidders.read_back.SETTLE_SECONDS_MAX", 0.0)
    address = address_of(shared_gavel.url)
    async with readers(address, shared_gavel.url) as bids, readers(address, shared_gavel.url) as stats:
        found = await Verifier(account, [bidder(902)], bids, stats).verify()
    assert found.differences == [
        f"bidder {bidder(902)}: total_bids is 2, the bids make 1",
        f"bidder {bidder(902)}: total_amount is 200, the bids make 100",
        f"bidder {bidder(902)}: items_bid_on is 2, the bids make 1",
    ]


async def test_no_server_at_the_address_is_reported_with_what_to_do() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    status, out, error = await _run("--url", url)
    assert (status, out) == (2, "")
    assert error == f"gavel bidders: nothing listens at {url}: start it with `make demo`, or name another with --url\n"


async def test_statistics_at_another_address_are_missed_before_anyone_bids(shared_stack: Stack) -> None:
    bids, stats = (f"http://127.0.0.1:{port}" for port in (shared_stack.ports.bid_api, shared_stack.ports.stats_api))
    run = ("--url", bids, "--create", "1", "--bidders", "2", "--count", "5", "--verify")
    status, out, error = await _run(*run)
    assert (status, out) == (2, "")
    assert error.startswith(f"gavel bidders: {bids} has no statistics, which --verify reads")
    assert "--stats-url" in error
    status, out, error = await _run(*run, "--stats-url", stats)
    assert (status, "everything agrees" in out) == (0, True), error


async def test_an_address_that_is_no_gavel_is_reported(shared_gavel: Standalone) -> None:
    status, _, error = await _run("--url", f"{shared_gavel.url}/elsewhere")
    assert status == 2
    assert error.endswith("is --url right?\n")
