"""Starting, stopping and dying: what was answered is there, and the totals are exact again."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from gavel_tools.local_servers.ports import free_port
from tests.e2e.bidding import BIDDERS, Told, bid_on, check_account
from tests.e2e.gavel_process import Client, Standalone, bidder, environment, run, running_standalone

pytestmark = pytest.mark.e2e


@pytest.mark.fault
async def test_killed_under_load_and_started_again_nothing_answered_is_lost(data_folder: Path) -> None:
    gavel, told = Standalone(data_folder), Told(enough=400)
    await gavel.start()
    try:
        async with httpx.AsyncClient(timeout=30) as http:
            client = Client(http, gavel.url)
            item_ids = [await client.list_item(bidIncrement={"fixed": 1}) for _ in range(4)]
            async with asyncio.TaskGroup() as bidders:
                for number in range(BIDDERS):
                    bidders.create_task(bid_on(client, item_ids[number % 4], number, told))
                await told.enough.wait()
                await gavel.kill()
        await gavel.start()
        async with httpx.AsyncClient(timeout=30) as http:
            await check_account(Client(http, gavel.url), item_ids, told.bids)
    finally:
        await gavel.stop()


@pytest.mark.fault
async def test_stopped_under_load_no_call_that_was_taken_fails(data_folder: Path) -> None:
    gavel, told = Standalone(data_folder), Told(enough=400)
    await gavel.start()
    try:
        async with httpx.AsyncClient(timeout=30) as http:
            client = Client(http, gavel.url)
            item_ids = [await client.list_item(bidIncrement={"fixed": 1}) for _ in range(4)]
            async with asyncio.TaskGroup() as bidders:
                for number in range(BIDDERS):
                    bidders.create_task(bid_on(client, item_ids[number % 4], number, told))
                await told.enough.wait()
                assert await gavel.stop() == 0
        assert (told.cut, told.unavailable) == ([], 0)
        assert "Traceback" not in await gavel.logs()
        await gavel.start()
        async with httpx.AsyncClient(timeout=30) as http:
            await check_account(Client(http, gavel.url), item_ids, told.bids)
    finally:
        await gavel.stop()


async def test_one_key_a_hundred_times_makes_one_bid_and_again_after_a_restart(data_folder: Path) -> None:
    gavel = Standalone(data_folder)
    await gavel.start()
    try:
        async with httpx.AsyncClient(timeout=30) as http:
            client = Client(http, gavel.url)
            item_id = await client.list_item()
            body = {"itemId": item_id, "userId": bidder(1), "amount": 100, "idempotencyKey": "once"}
            answers = await asyncio.gather(*(client.ok("PlaceBid", body) for _ in range(100)))
            [bid] = await client.bids(item_id)
            assert {str(answer["bid"]) for answer in answers} == {str(bid)}
        assert await gavel.stop() == 0
        await gavel.start()
        async with httpx.AsyncClient(timeout=30) as http:
            client = Client(http, gavel.url)
            assert (await client.ok("PlaceBid", body))["bid"] == bid
            assert await client.bids(item_id) == [bid]
            await client.stats_once(bidder(1), total_bids=1)
    finally:
        await gavel.stop()


async def test_a_second_gavel_on_the_same_folder_is_refused_in_words(data_folder: Path) -> None:
    async with running_standalone(data_folder) as gavel:
        status, said = await run("standalone", env=gavel.env | {"HTTP_PORT": str(free_port())})
        assert status == 2
        assert re.fullmatch(r"gavel: .* is in use by another Gavel \(process \d+\)\n", said), said
        async with httpx.AsyncClient(timeout=30) as http:
            assert (await http.get(f"{gavel.url}/readyz")).status_code == 200


async def test_a_port_in_use_is_reported_in_one_message(shared_gavel: Standalone, data_folder: Path) -> None:
    status, said = await run("standalone", env=shared_gavel.env | {"GAVEL_DATA_DIR": str(data_folder)})
    assert status == 2
    assert said == f"gavel: can't listen on 127.0.0.1:{shared_gavel.port}: Address already in use\n"


@pytest.mark.parametrize(
    ("settings", "mistakes"),
    [
        ({}, ["AUTH_MODE: is required"]),
        ({"AUTH_MODE": "trusted", "HTTP_HOST": "0.0.0.0"}, ["HTTP_HOST must be a loopback address"]),
        ({"AUTH_MODE": "trusted", "HTTP_PORT": "70000"}, ["HTTP_PORT"]),
        (
            {"AUTH_MODE": "s3cret-a", "HTTP_PORT": "s3cret-b", "HOUSE_CURRENCY": "s3cret-c", "LOG_LEVEL": "s3cret-d"},
            ["AUTH_MODE", "HTTP_PORT", "HOUSE_CURRENCY", "LOG_LEVEL"],
        ),
    ],
)
async def test_mistakes_in_the_settings_are_reported_together_without_their_values(
    settings: dict[str, str], mistakes: list[str], data_folder: Path
) -> None:
    status, said = await run("standalone", env=environment(GAVEL_DATA_DIR=str(data_folder), **settings))
    assert status == 2
    assert [mistake for mistake in mistakes if mistake not in said] == []
    assert "s3cret" not in said
    assert "Traceback" not in said
