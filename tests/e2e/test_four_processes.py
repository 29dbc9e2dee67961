"""The real four processes, several of some: every call on its own port, the operators' commands, poison, SIGTERM."""

import asyncio
import io
import re
import signal
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from rich.console import Console

from gavel.runtime.postgres import connections as postgres
from gavel.userstats.adapters.rabbitmq.dead_letters import RabbitMqDeadLetters
from gavel.userstats.adapters.rabbitmq.event_source import STATS_EVENTS
from gavel.userstats.ports import DeadLetter
from gavel_tools.local_servers.ports import free_port
from gavel_tools.local_servers.stack import STOP_SECONDS_MAX, Stack
from tests.chaos.books import read_books
from tests.e2e.bidding import Told, bidding, check_account
from tests.e2e.four_processes import StackClient, run_command
from tests.e2e.gavel_process import HOSTILE, SELLER_ID, environment, run, service_of
from tests.house.tree import ROOT
from tests.servers.rabbitmq_broker import Broker, until
from tests.unit.userstats.messages import bid, body
from tests.unit.userstats.poison import GARBAGE, POISON

# To start all of it takes long where the machine has much else to do.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PROCESSES = ["bid-api", "bid-worker", "stats-api", "stats-worker"]
# The stream is another test's.
STREAMED = {"WatchItems"}
# Other tests here put events straight into the broker, of which the log knows nothing.
MADE_WRONG = {"bidders whose totals are not their bids", "events not counted once"}


@pytest.fixture
async def client(shared_stack: Stack) -> AsyncGenerator[StackClient]:
    """A client of both APIs."""
    async with httpx.AsyncClient(timeout=30) as http:
        yield StackClient(http, shared_stack)


async def test_every_call_of_the_bid_service_is_answered_on_its_port(client: StackClient) -> None:
    called: dict[str, dict[str, Any]] = {}

    async def call(method: str, body: dict[str, Any]) -> dict[str, Any]:
        called[method] = await client.ok(method, body)
        return called[method]

    category, user_id = f"c-{uuid4()}", str(uuid4())
    draft = {"title": "A vase", "sellerId": SELLER_ID, "startPrice": 100, "endAt": "2035-01-01T00:00:00Z"}
    created = await call("CreateItem", draft | {"category": category, "buyNowPrice": 5_000})
    item_id = created["item"]["id"]
    updated = await call("UpdateItem", {"id": item_id, "sellerId": SELLER_ID, "title": "A blue vase"})
    assert updated["item"]["title"] == "A blue vase"
    assert (await call("ListItems", {"category": category}))["items"][0]["id"] == item_id
    unsold = await client.list_item()
    assert (await call("CancelItem", {"id": unsold, "sellerId": SELLER_ID}))["item"][
        "status"
    ] == "ITEM_STATUS_CANCELLED"
    bought = await client.list_item(buyNowPrice=5_000)
    outcome = (await call("BuyNow", {"itemId": bought, "userId": user_id}))["item"]["outcome"]
    assert (outcome["sold"], outcome["winnerId"], outcome["amount"]) == (True, user_id, "5000")
    placed = await call("PlaceBid", {"itemId": item_id, "userId": user_id, "amount": 150})
    assert (placed["bid"]["amount"], placed["bid"]["seq"], placed["leading"]) == ("150", "2", True)
    shown = await call("GetItem", {"id": item_id})
    assert (shown["item"]["currentHighestBid"], shown["item"]["highestBidderId"]) == ("150", user_id)
    assert [row["id"] for row in (await call("GetItemBids", {"itemId": item_id}))["bids"]] == [placed["bid"]["id"]]
    board = await call("GetLeaderboard", {"itemId": item_id})
    assert board["entries"] == [{"userId": user_id, "amount": "150", "bidCount": "1"}]
    mine = (await call("ListMyBids", {"userId": user_id}))["bids"]
    assert [(each["item"]["id"], each["standing"]) for each in mine] == [
        (item_id, "STANDING_LEADING"),
        (bought, "STANDING_WON"),
    ]
    sellers = (await call("ListSellerItems", {"sellerId": SELLER_ID, "pageSize": 100}))["items"]
    assert {item_id, unsold, bought} <= {item["id"] for item in sellers}
    assert called.keys() == _methods("bids/v1/bid_service.proto") - STREAMED


async def test_every_call_of_the_stats_service_is_answered_on_its_port(client: StackClient) -> None:
    user_id = str(uuid4())
    item_id = await client.list_item(buyNowPrice=10**14)
    await client.ok("BuyNow", {"itemId": item_id, "userId": user_id})
    stats = await client.stats_once(user_id, total_bids=1)
    assert (stats["itemsWon"], stats["amountWon"], stats["highestBid"]) == ("1", str(10**14), str(10**14))
    top = (await client.ok("ListTopBidders", {"pageSize": 1}))["users"]
    assert top == [stats]
    assert _methods("userstats/v1/user_stats_service.proto") == {"GetUserStats", "ListTopBidders"}


def _methods(contract: str) -> set[str]:
    """The names of a service's methods."""
    return set(re.findall(r"rpc (\w+)\(", (ROOT / "proto" / contract).read_text(encoding="utf-8")))


async def test_a_service_is_found_on_its_own_port_only(client: StackClient, shared_stack: Stack) -> None:
    for method, port in (("GetItem", shared_stack.ports.stats_api), ("GetUserStats", shared_stack.ports.bid_api)):
        body = {"id": str(uuid4()), "userId": str(uuid4())}
        reply = await client.http.post(f"http://127.0.0.1:{port}/{service_of(method)}/{method}", json=body)
        assert reply.status_code == 404
        assert "Traceback" not in reply.text


async def test_no_process_comes_to_a_database_as_its_owner(client: StackClient, shared_stack: Stack) -> None:
    await client.list_item()
    connection = await postgres.connect(shared_stack.postgres.server.url("postgres"), "tests")
    try:
        rows = await connection.fetch(
            "SELECT datname, usename FROM pg_stat_activity WHERE application_name LIKE 'gavel-%' GROUP BY 1, 2"
        )
    finally:
        await connection.close()
    assert {row["datname"]: row["usename"] for row in rows} == {"bid_db": "gavel_bids", "stats_db": "gavel_stats"}
    assert len(rows) == 2


async def test_the_queue_of_the_stats_and_its_dead_letters_are_quorum_queues(shared_stack: Stack) -> None:
    command = ("list_queues", "name", "type", "durable", "--no-table-headers")
    listed = (await asyncio.to_thread(shared_stack.rabbitmq.control, *command)).splitlines()
    kinds = {name: kind for name, *kind in (line.split() for line in listed)}
    assert [kinds.get(name) for name in ("userstats.events", "userstats.events.dead")] == [["quorum", "true"]] * 2


async def test_stats_lost_and_rebuilt_by_command_are_the_same(client: StackClient, shared_stack: Stack) -> None:
    item_id, users = await client.list_item(bidIncrement={"fixed": 1}), [str(uuid4()) for _ in range(3)]
    for number in range(9):
        await client.ok("PlaceBid", {"itemId": item_id, "userId": users[number % 3], "amount": 100 + number})
    before = [await client.stats_once(user_id, total_bids=3) for user_id in users]
    await _lose_totals_of(shared_stack, users)
    assert re.fullmatch(r"\d+ events counted from the log\n", await run_command(shared_stack, "stats", "rebuild"))
    assert [await client.stats_once(user_id, total_bids=3) for user_id in users] == before


async def _lose_totals_of(stack: Stack, users: list[str]) -> None:
    connection = await postgres.connect(stack.postgres.server.url("stats_db"), "tests")
    try:
        await connection.execute("DELETE FROM user_stats WHERE user_id = ANY($1)", users)
    finally:
        await connection.close()


@pytest.mark.fault
async def test_poison_of_every_kind_is_listed_with_its_reason_and_the_queue_behind_it_moves(
    client: StackClient, shared_stack: Stack
) -> None:
    user_id = str(uuid4())
    broker = Broker(shared_stack.rabbitmq.url, STATS_EVENTS)
    await broker.publish(
        *(poison.body for poison in POISON), *GARBAGE.values(), body([bid(user_id, 77, seq=2, item_id=str(uuid4()))])
    )
    await client.stats_once(user_id, total_bids=1)

    letters = RabbitMqDeadLetters(shared_stack.rabbitmq.url)

    async def all_are_dead() -> bool:
        return len(await letters.list(1_000)) == len(POISON) + len(GARBAGE)

    await until(all_are_dead)
    await letters.close()

    async def the_status_counts_them() -> bool:
        status = (await client.http.get(f"{client.url}/status.json")).json()
        return status["dead_letters"] == len(POISON) + len(GARBAGE)

    await until(the_status_counts_them)
    listed = await run_command(shared_stack, "dead-letters", "list")
    for poison in POISON:
        assert poison.reason in listed
    letter_id = listed.splitlines()[1].split()[0]
    assert await run_command(shared_stack, "dead-letters", "replay", letter_id) == "0 replayed\n"
    assert await run_command(shared_stack, "dead-letters", "drop", letter_id) == "1 dropped\n"
    rest = len(POISON) + len(GARBAGE) - 1
    assert await run_command(shared_stack, "dead-letters", "drop", "--all") == f"{rest} dropped\n"


async def test_a_dead_letter_is_replayed_by_command_into_the_totals(client: StackClient, shared_stack: Stack) -> None:
    user_id = str(uuid4())
    letters = RabbitMqDeadLetters(shared_stack.rabbitmq.url)
    await letters.put([DeadLetter(body([bid(user_id, 42, seq=2, item_id=str(uuid4()))]), "a bug of yesterday")])
    await letters.close()
    assert "a bug of yesterday" in await run_command(shared_stack, "dead-letters", "list")
    assert await run_command(shared_stack, "dead-letters", "replay", "--all") == "1 replayed\n"
    assert (await client.stats_once(user_id, total_bids=1))["totalAmount"] == "42"
    assert await run_command(shared_stack, "dead-letters", "list") == "No dead letters.\n"


@pytest.mark.fault
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("name", PROCESSES)
async def test_hung_up_or_quit_a_process_stops_in_good_order(
    shared_stack: Stack, name: str, number: signal.Signals, grace_seconds: float
) -> None:
    process = shared_stack.processes[name]
    process.signal(number)
    assert await asyncio.to_thread(process.wait_gone, STOP_SECONDS_MAX + grace_seconds), process.last_words()
    assert process.exit_code == 0
    assert '"event": "stopped"' in process.last_words().splitlines()[-1]
    await asyncio.to_thread(shared_stack.start_process, name)
    await asyncio.to_thread(shared_stack.wait_ready, name)


def test_up_prints_its_steps_and_what_it_waits_for_with_and_without_a_terminal(shared_stack: Stack) -> None:
    told = io.StringIO()
    shared_stack.up(Console(file=told, soft_wrap=True))
    lines = told.getvalue().splitlines()
    assert lines[:3] == ["Starting Postgres ...", "Starting RabbitMQ ...", "Starting Redis ..."]
    for name, port in shared_stack.ports.admin.items():
        assert f"Waiting for gavel {name}: http://127.0.0.1:{port}/readyz has the reason ..." in lines


async def test_processes_started_with_postgres_own_variables_in_the_environment_use_none_of_them(
    shared_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in HOSTILE.items():
        monkeypatch.setenv(variable, value)
    for name in PROCESSES:
        await asyncio.to_thread(shared_stack.processes[name].stop, STOP_SECONDS_MAX)
        await asyncio.to_thread(shared_stack.start_process, name)
    for name in PROCESSES:
        await asyncio.to_thread(shared_stack.wait_ready, name)


@pytest.mark.fault
@pytest.mark.parametrize("name", PROCESSES)
async def test_terminated_under_load_it_exits_in_time_and_no_request_that_was_taken_fails(
    client: StackClient, shared_stack: Stack, name: str, grace_seconds: float
) -> None:
    told = Told(enough=150)
    async with bidding([client], told) as item_ids:
        await told.enough.wait()
        process = shared_stack.processes[name]
        process.signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait_gone, STOP_SECONDS_MAX + grace_seconds), process.last_words()
        assert process.exit_code == 0
        await asyncio.to_thread(shared_stack.start_process, name)
        await asyncio.to_thread(shared_stack.wait_ready, name)
    assert (told.cut, told.unavailable) == ([], 0)
    assert "Traceback" not in process.log_file.read_text()
    await check_account(client, item_ids, told.bids)
    books = await read_books(shared_stack)
    assert {what: count for what, count in books.wrong.items() if count and what not in MADE_WRONG} == {}


@pytest.mark.fault
@pytest.mark.parametrize("command", PROCESSES)
async def test_a_port_in_use_and_settings_that_need_mending_are_reported_in_one_message(
    shared_stack: Stack, command: str
) -> None:
    taken = shared_stack.ports.admin[command]
    url = "postgresql://gavel:s3cret@127.0.0.1:1/db"
    servers = {"BID_DB_URL": url, "STATS_DB_URL": url, "RABBITMQ_URL": "amqp://gavel:s3cret@127.0.0.1:1/"}
    good = environment(AUTH_MODE="trusted", ADMIN_PORT=str(taken), HTTP_PORT=str(free_port()), **servers)
    in_use = (2, f"gavel: can't listen on 127.0.0.1:{taken}: Address already in use\n")
    assert await run(command, env=good) == in_use
    status, said = await run(command, env=environment(ADMIN_PORT="s3cret", LOG_LEVEL="s3cret"))
    assert status == 2
    assert {"ADMIN_PORT", "LOG_LEVEL"} <= set(re.findall(r"[A-Z_]{5,}", said))
    assert "_DB_URL: is required" in said
    assert "s3cret" not in said
    assert "Traceback" not in said
