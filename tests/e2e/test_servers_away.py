"""Servers stopped, frozen or absent under the real processes: all live on, say so, and come back by themselves."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from gavel.runtime.postgres import connections as postgres
from gavel_tools.local_servers.stack import STOP_SECONDS_MAX, Stack, command_of
from tests.chaos.books import read_books
from tests.e2e.bidding import Told, bidding, check_account
from tests.e2e.four_processes import StackClient
from tests.integration.userstats.a_stats_db import taken_away
from tests.servers.own_postgres import signal_all
from tests.servers.rabbitmq_broker import until

pytestmark = [pytest.mark.e2e, pytest.mark.fault, pytest.mark.timeout(300)]

BIDDERS = 16
# More than any of it takes when all is well; a process that kept every call it can't answer would take far more.
MORE_MEMORY_KB_MAX = 60_000
# Of every process, from the moment that Postgres takes connections again.
COMES_BACK_SECONDS_MAX = 5.0


@pytest.fixture
async def clients(shared_stack: Stack) -> AsyncGenerator[list[StackClient]]:
    """A client of each bid API."""
    names = [name for name in shared_stack.processes if command_of(name) == "bid-api"]
    async with httpx.AsyncClient(timeout=30) as http:
        yield [StackClient(http, shared_stack, name) for name in names]


@contextmanager
def frozen(stack: Stack) -> Generator[None]:
    """Freeze Postgres inside the context; its connections stay open."""
    pid_file = stack.folder / "postgres" / "postmaster.pid"
    signal_all(pid_file, signal.SIGSTOP)
    try:
        yield
    finally:
        signal_all(pid_file, signal.SIGCONT)


async def readiness(stack: Stack, name: str) -> tuple[int, dict[str, str]]:
    """What a process says of itself."""
    async with httpx.AsyncClient(timeout=10) as http:
        reply = await http.get(f"http://127.0.0.1:{stack.ports.admin[name]}/readyz")
        return reply.status_code, reply.json()


async def all_are_ready(stack: Stack) -> None:
    """Return when every process is."""
    for name in stack.processes:
        await asyncio.to_thread(stack.wait_ready, name)


async def more_bids(told: Told, how_many: int) -> None:
    """Return when so many more bids were answered as accepted."""
    enough = len(told.bids) + how_many

    async def are_there() -> bool:
        return len(told.bids) >= enough

    await until(are_there)


async def owed_rows(stack: Stack) -> int:
    """How many rows the outbox holds."""
    connection = await postgres.connect(stack.postgres.server.url("bid_db"), "tests")
    try:
        return await connection.fetchval("SELECT count(*) FROM outbox")
    finally:
        await connection.close()


async def test_with_rabbitmq_away_all_bids_are_accepted_and_published_and_counted_afterwards(
    clients: list[StackClient], shared_stack: Stack, away_seconds: float
) -> None:
    told = Told(enough=50)
    async with bidding(clients, told, BIDDERS) as item_ids:
        await told.enough.wait()
        await asyncio.to_thread(shared_stack.rabbitmq.stop)
        before = await owed_rows(shared_stack)
        await more_bids(told, 50)
        await asyncio.sleep(away_seconds)
        assert await owed_rows(shared_stack) > before
        assert (await readiness(shared_stack, "bid-api"))[0] == 200
        status, said = await readiness(shared_stack, "bid-worker")
        assert status == 503
        assert "rabbitmq" in said
        await asyncio.to_thread(shared_stack.rabbitmq.start)
        await more_bids(told, 50)
    assert (told.cut, told.unavailable) == ([], 0)
    await all_are_ready(shared_stack)
    await check_account(clients[0], item_ids, told.bids)
    assert (await read_books(shared_stack)).wrong["outbox rows"] == 0


async def test_with_stats_db_away_nothing_is_acknowledged_or_retried_in_a_storm_and_all_is_counted_afterwards(
    clients: list[StackClient], shared_stack: Stack, away_seconds: float
) -> None:
    client, user_id = clients[0], str(uuid4())
    item_id = await client.list_item()
    workers = [name for name in shared_stack.processes if command_of(name) == "stats-worker"]
    logs = [shared_stack.processes[name].log_file for name in workers]
    said_before = [_failures(log) for log in logs]
    began = asyncio.get_running_loop().time()
    async with taken_away(shared_stack.postgres.server.url("stats_db")):
        await client.ok("PlaceBid", {"itemId": item_id, "userId": user_id, "amount": 100})

        async def is_noticed() -> bool:
            return (await readiness(shared_stack, "stats-api"))[0] == 503 and await owed_rows(shared_stack) == 0

        async def is_kept() -> bool:
            arguments = ("list_queues", "name", "messages", "--no-table-headers")
            listed = await asyncio.to_thread(shared_stack.rabbitmq.control, *arguments)
            return "userstats.events\t0" not in listed.splitlines()

        await until(is_noticed)
        assert (await client.call("GetUserStats", {"userId": user_id})).json()["code"] == "unavailable"
        await asyncio.sleep(away_seconds)
        # What the broker says of a quorum queue is some seconds old.
        await until(is_kept)
        tries = [_failures(log) - before for log, before in zip(logs, said_before, strict=True)]
    # Of each part of a worker the first few come quickly, and then there is a second or more between two.
    assert max(count for parts in tries for count in parts.values()) < 10 + (asyncio.get_running_loop().time() - began)
    await client.stats_once(user_id, total_bids=1, within_seconds=30)
    await all_are_ready(shared_stack)


def _failures(log: Path) -> Counter[str]:
    """How often each part of a process failed so far."""
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if '"loop_failed"' in line]
    return Counter(json.loads(line)["loop"] for line in lines)


async def test_with_postgres_stopped_hard_under_load_every_process_lives_unready_and_goes_on_afterwards(
    clients: list[StackClient], shared_stack: Stack, grace_seconds: float
) -> None:
    told, ids = Told(enough=50), {name: process.pid() for name, process in shared_stack.processes.items()}
    async with bidding(clients, told, BIDDERS) as item_ids:
        await told.enough.wait()
        await asyncio.to_thread(shared_stack.postgres.crash)
        for name in shared_stack.processes:
            status, said = await readiness(shared_stack, name)
            assert status == 503, name
            assert any("no answer" in problem for problem in said.values()), said
        assert told.unavailable > 0
        await asyncio.to_thread(shared_stack.postgres.start)
        async with asyncio.timeout(COMES_BACK_SECONDS_MAX + grace_seconds):
            await asyncio.gather(all_are_ready(shared_stack), more_bids(told, 1))
        await more_bids(told, 50)
    assert told.cut == []
    assert {name: process.pid() for name, process in shared_stack.processes.items() if process.runs()} == ids
    await check_account(clients[0], item_ids, told.bids)


async def test_with_postgres_frozen_every_call_is_answered_in_time_and_memory_stays_bounded(
    clients: list[StackClient], shared_stack: Stack, away_seconds: float
) -> None:
    told, user_id = Told(enough=50), str(uuid4())
    apis = [shared_stack.processes[name] for name in shared_stack.processes if command_of(name) == "bid-api"]
    async with bidding(clients, told, BIDDERS, **{"Connect-Timeout-Ms": "1000"}) as item_ids:
        await told.enough.wait()
        before = [_memory_kb(process.pid()) for process in apis]
        with frozen(shared_stack):
            bid = {"itemId": item_ids[0], "userId": user_id, "amount": 10**9}
            for method, body in (("PlaceBid", bid), ("GetItem", {"id": item_ids[0]}), ("ListItems", {})):
                answers = [client.call(method, body, **{"Connect-Timeout-Ms": "500"}) for client in clients]
                for answer in await asyncio.gather(*answers):
                    assert answer.json()["code"] in ("deadline_exceeded", "unavailable"), answer.text
            assert told.unavailable >= BIDDERS
            await asyncio.sleep(away_seconds / 6)
            assert [process.runs() for process in apis] == [True] * len(apis)
        await more_bids(told, 50)
    assert told.cut == []
    grown = [_memory_kb(process.pid()) - kb for process, kb in zip(apis, before, strict=True)]
    assert max(grown) < MORE_MEMORY_KB_MAX
    await all_are_ready(shared_stack)
    await check_account(clients[0], item_ids, told.bids)


def _memory_kb(process_id: int) -> int:
    lines = Path(f"/proc/{process_id}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


async def test_terminated_while_all_its_servers_are_frozen_a_process_exits_in_time(
    shared_stack: Stack, grace_seconds: float
) -> None:
    seconds_max = STOP_SECONDS_MAX + grace_seconds
    names = ["bid-api", "bid-worker", "stats-api", "stats-worker"]
    processes = [shared_stack.processes[name] for name in names]
    shared_stack.rabbitmq.freeze()
    shared_stack.redis.freeze()
    try:
        with frozen(shared_stack):
            for process in processes:
                process.signal(signal.SIGTERM)
            gone = await asyncio.gather(*(asyncio.to_thread(each.wait_gone, seconds_max) for each in processes))
    finally:
        shared_stack.rabbitmq.thaw()
        shared_stack.redis.thaw()
    assert dict(zip(names, gone, strict=True)) == dict.fromkeys(names, True)
    for name in names:
        await asyncio.to_thread(shared_stack.start_process, name)
    await all_are_ready(shared_stack)
