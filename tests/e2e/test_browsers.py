"""Headers of a real Gavel for browsers: which pages may call, and that replies are neither cached nor sniffed."""

import asyncio
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncGenerator
from contextlib import suppress

import httpx
import pytest
import pytest_asyncio

from gavel.runtime.http.request_limits import HEAD_BYTES_MAX
from gavel_tools.local_servers.ports import free_port
from tests.e2e.gavel_process import (
    POLL_SECONDS,
    START_SECONDS_MAX,
    Client,
    bidder,
    environment,
    new_data_folder,
    running_standalone,
    start,
)

pytestmark = pytest.mark.e2e

LISTED, ALSO_LISTED, STRANGER = "https://app.example", "http://localhost:5173", "https://evil.example"
# As a person may write them; browsers send them as above.
WRITTEN = "HTTPS://App.example:443/ http://LOCALHOST:5173"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url() -> AsyncGenerator[str]:
    """A Gavel that lists two origins."""
    with new_data_folder() as folder:
        async with running_standalone(folder, CORS_ORIGINS=WRITTEN) as gavel:
            yield gavel.url


@pytest_asyncio.fixture
async def client(url: str) -> AsyncGenerator[Client]:
    """A client of it."""
    async with httpx.AsyncClient(timeout=30) as http:
        yield Client(http, url)


def _told_of_origins(reply: httpx.Response) -> dict[str, str]:
    return {name: text for name, text in reply.headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", [LISTED, ALSO_LISTED])
async def test_a_page_of_a_listed_origin_asks_ahead_bids_and_may_read_the_answer(client: Client, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    wanted = "authorization,baggage,content-type,idempotency-key,traceparent,tracestate,x-request-id"
    asked["Access-Control-Request-Headers"] = wanted
    ahead = await client.http.options(client.url_of("PlaceBid"), headers=asked)
    told = _told_of_origins(ahead)
    assert (ahead.status_code, told["access-control-allow-origin"]) == (204, origin)
    allowed = told["access-control-allow-headers"].split(", ")
    assert set(wanted.split(",")) <= set(allowed)
    assert "POST" in told["access-control-allow-methods"]

    item_id = await client.list_item()
    accepted = {"itemId": item_id, "userId": bidder(1), "amount": 100}
    for body, status in ((accepted, 200), ({**accepted, "amount": 1}, 400)):
        reply = await client.call("PlaceBid", body, Origin=origin)
        assert (reply.status_code, _told_of_origins(reply)["access-control-allow-origin"]) == (status, origin)
        assert "origin" in reply.headers["vary"]
        assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize("origin", [STRANGER, "null", LISTED + ".evil.example", LISTED.upper()])
async def test_a_page_of_an_unlisted_origin_may_read_nothing(client: Client, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    ahead = await client.http.options(client.url_of("PlaceBid"), headers=asked)
    assert (_told_of_origins(ahead), ahead.is_success) == ({}, False)
    reply = await client.call("ListItems", {}, Origin=origin)
    assert _told_of_origins(reply) == {}
    assert "origin" in reply.headers["vary"]


@pytest.mark.parametrize("name", ["bid-api", "stats-api"])
async def test_each_api_process_lets_pages_of_listed_origins_read_early_refusals(name: str) -> None:
    ports = {"HTTP_PORT": free_port(), "ADMIN_PORT": free_port()}
    nowhere = dict.fromkeys(("BID_DB_URL", "STATS_DB_URL"), "postgresql://gavel@127.0.0.1:1/none")
    settings = {setting: str(port) for setting, port in ports.items()} | nowhere
    process = await start(name, env=environment(AUTH_MODE="trusted", CORS_ORIGINS=WRITTEN, **settings), stderr=DEVNULL)
    try:
        async with httpx.AsyncClient(timeout=30) as http, asyncio.timeout(START_SECONDS_MAX):
            while True:
                assert process.returncode is None
                with suppress(httpx.TransportError):
                    if (await http.get(f"http://127.0.0.1:{ports['ADMIN_PORT']}/livez")).is_success:
                        break
                await asyncio.sleep(POLL_SECONDS)
            url = f"http://127.0.0.1:{ports['HTTP_PORT']}/"
            reply = await http.post(url, headers={"Origin": LISTED, "X": "x" * HEAD_BYTES_MAX})
        assert (reply.status_code, _told_of_origins(reply)["access-control-allow-origin"]) == (431, LISTED)
    finally:
        process.terminate()
        await process.wait()


async def test_a_reply_is_neither_kept_nor_guessed_at(client: Client) -> None:
    bid = {"itemId": await client.list_item(), "userId": bidder(2), "amount": 100}
    replies = {
        200: await client.call("PlaceBid", bid),
        400: await client.call("PlaceBid", {}),
        404: await client.http.get(f"{client.url}/none.js"),
        405: await client.http.get(client.url_of("PlaceBid")),
    }
    assert {status: reply.status_code for status, reply in replies.items()} == {status: status for status in replies}
    for reply in replies.values():
        assert reply.headers.get_list("x-content-type-options") == ["nosniff"]
        assert reply.headers.get_list("cache-control") == ["no-store"]


async def test_a_page_whose_own_name_points_at_this_machine_is_answered_421_and_bids_for_no_user(
    client: Client, url: str
) -> None:
    item_id, port = await client.list_item(), url.rpartition(":")[2]
    bid = {"itemId": item_id, "userId": bidder(1), "amount": 100}
    for host in ("evil.example", f"evil.example:{port}"):
        reply = await client.call("PlaceBid", bid, Host=host, Origin=f"http://evil.example:{port}")
        assert (reply.status_code, reply.json()["code"]) == (421, "permission_denied")
        for path in ("/", "/page.json", "/readyz"):
            assert (await client.http.get(f"{url}{path}", headers={"Host": host})).status_code == 421
    assert await client.bids(item_id) == []
    for number, host in enumerate((f"localhost:{port}", f"127.0.0.1:{port}", "localhost")):
        reply = await client.call("PlaceBid", bid | {"amount": 100 + number}, Host=host)
        assert reply.status_code == 200, reply.text
