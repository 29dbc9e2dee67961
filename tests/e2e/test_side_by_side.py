"""Several of each process on the same servers keep what one keeps, in whatever order everything is started."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from gavel_tools.local_servers.stack import Stack, command_of
from tests.chaos.books import read_books
from tests.e2e.bidding import BIDDERS, Told, bidding, check_account, new_bidders
from tests.e2e.four_processes import StackClient, made_stack
from tests.e2e.gavel_process import bidder

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CLIENTS, BIDS_EACH = 64, 8


@pytest.fixture
async def clients(shared_stack: Stack) -> AsyncGenerator[list[StackClient]]:
    """A client of each bid API, of which there are three, on connections of its own."""
    names = [name for name in shared_stack.processes if command_of(name) == "bid-api"]
    async with AsyncExitStack() as stack:
        yield [
            StackClient(await stack.enter_async_context(httpx.AsyncClient(timeout=30)), shared_stack, name)
            for name in names
        ]


@pytest.mark.fault
@pytest.mark.race
@pytest.mark.parametrize("rising", [True, False], ids=["rising", "random"])
async def test_64_clients_of_three_bid_apis_on_one_item_leave_no_gap_and_every_accepted_bid(
    clients: list[StackClient], rising: bool
) -> None:
    assert len(clients) == 3
    chance, told = random.Random(11), list[dict[str, Any]]()
    item_id = await clients[0].list_item(bidIncrement={"fixed": 1})

    async def bid(number: int, client: StackClient) -> None:
        for turn in range(BIDS_EACH):
            amount = 100 + turn * CLIENTS + number if rising else chance.randint(100, 100 + CLIENTS * BIDS_EACH)
            reply = await client.call("PlaceBid", {"itemId": item_id, "userId": bidder(number), "amount": amount})
            if reply.status_code == 200:
                told.append(reply.json()["bid"])
            else:
                assert reply.json()["code"] == "failed_precondition", reply.text

    everyone = enumerate(new_bidders(CLIENTS))
    await asyncio.gather(*(bid(number, clients[place % len(clients)]) for place, number in everyone))
    await check_account(clients[0], [item_id], told)
    shown = [(await client.ok("GetItem", {"id": item_id}))["item"] for client in clients]
    assert [each["seq"] for each in shown] == [shown[0]["seq"]] * len(clients)


async def test_several_apis_relays_and_counters_at_once_keep_the_books(
    clients: list[StackClient], shared_stack: Stack
) -> None:
    told = Told(enough=200)
    async with bidding(clients, told, BIDDERS) as item_ids:
        await told.enough.wait()
    await check_account(clients[-1], item_ids, told.bids)
    wrong = (await read_books(shared_stack)).wrong
    assert (wrong["outbox rows"], wrong["items whose events have a gap"]) == (0, 0)


@pytest.mark.fault
@pytest.mark.parametrize("seed", [0, 1])
async def test_whatever_the_order_of_starting_it_converges(seed: int) -> None:
    with made_stack() as stack:
        processes: list[Callable[[], object]] = [
            lambda name=name: stack.start_process(name) for name in stack.processes
        ]
        servers: list[Callable[[], object]] = [
            stack.redis.start,
            stack.rabbitmq.start,
            lambda: (stack.postgres.start(), asyncio.run(stack.migrate())),
        ]
        steps = [*processes, *servers]
        if seed:
            # Otherwise no server is there when the processes start.
            random.Random(seed).shuffle(steps)
        for step in steps:
            await asyncio.to_thread(step)
        for name in stack.processes:
            await asyncio.to_thread(stack.wait_ready, name)
        async with httpx.AsyncClient(timeout=30) as http:
            client = StackClient(http, stack)
            item_id = await client.list_item()
            await client.ok("PlaceBid", {"itemId": item_id, "userId": bidder(1), "amount": 100})
            assert (await client.stats_once(bidder(1), total_bids=1))["totalAmount"] == "100"
        assert not any((await read_books(stack)).wrong.values())
