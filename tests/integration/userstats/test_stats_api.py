"""UserStatsService over HTTP: the contract's answers, and errors that say what to mend and nothing of the inside."""

import gzip
from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import httpx
import pytest
from itsdangerous import URLSafeSerializer
from structlog.testing import capture_logs

from gavel.contracts.userstats.v1 import user_stats_service_pb as pb
from gavel.contracts.userstats.v1.user_stats_service_connect import UserStatsService
from gavel.runtime.http.connect.protocol import REQUEST_BYTES_MAX
from gavel.userstats.adapters.postgres.stats_book import PostgresStatsBook
from gavel.userstats.api import open_stats_api
from tests.calls import client_of
from tests.integration.userstats.a_stats_db import taken_away
from tests.unit.userstats.histories import a_bid, a_sale, a_user
from tests.unit.userstats.messages import ANNA, after

pytestmark = pytest.mark.integration

SERVICE_PATH = f"/{UserStatsService.desc().type_name}/"
GET = f"{SERVICE_PATH}GetUserStats"
TOP = f"{SERVICE_PATH}ListTopBidders"
JSON = {"content-type": "application/json"}
INSIDES = ("Traceback", "asyncpg", "SELECT", ".py", "postgres", "<class", "user_stats")


@pytest.fixture
async def client(stats_db_url: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with open_stats_api(stats_db_url) as api, client_of(api.routes or {}) as client:
        yield client


@pytest.fixture
async def book(stats_pool: asyncpg.Pool) -> PostgresStatsBook:
    return PostgresStatsBook(stats_pool)


def _refused(reply: httpx.Response, status: int, code: str) -> str:
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text
    assert not [inside for inside in INSIDES if inside in reply.text]
    return reply.json().get("message", "")


async def _top(client: httpx.AsyncClient, **request: Any) -> dict[str, Any]:
    reply = await client.post(TOP, json=request)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_a_users_totals_have_every_field(client: httpx.AsyncClient, book: PostgresStatsBook) -> None:
    await book.count([a_bid(1, 15_000, at=after(0.123_456)), a_sale(1, 2, 700, at=after(60)), a_sale(3, 1, 900)])
    reply = await client.post(GET, json={"user_id": a_user(1)})
    assert reply.status_code == 200
    assert reply.json() == {
        "stats": {
            "userId": a_user(1),
            "totalBids": "1",
            "totalAmount": "15000",
            "lastUpdatedAt": after(60).isoformat().replace("+00:00", "Z"),
            "lastBidAt": after(0.123_456).isoformat().replace("+00:00", "Z"),
            "highestBid": "15000",
            "itemsBidOn": "1",
            "itemsWon": "1",
            "amountWon": "900",
            "itemsSold": "1",
            "amountSold": "700",
        }
    }


@pytest.mark.parametrize("field", ["user_id", "userId"])
@pytest.mark.parametrize("user_id", [a_user(1), a_user(1).upper()], ids=["lower", "upper"])
async def test_upper_case_and_camel_case_mean_the_same(
    client: httpx.AsyncClient, book: PostgresStatsBook, field: str, user_id: str
) -> None:
    await book.count([a_bid(1, 15_000)])
    reply = await client.post(GET, json={field: user_id})
    assert reply.json()["stats"]["userId"] == a_user(1)


async def test_binary_messages_are_answered_with_binary_ones(
    client: httpx.AsyncClient, book: PostgresStatsBook
) -> None:
    await book.count([a_bid(1, 15_000)])
    request = pb.GetUserStatsRequest(user_id=a_user(1)).to_binary()
    reply = await client.post(GET, content=request, headers={"content-type": "application/proto"})
    assert reply.headers["content-type"] == "application/proto"
    stats = pb.GetUserStatsResponse.from_binary(reply.content).stats
    assert stats is not None
    assert (stats.user_id, stats.total_amount) == (a_user(1), 15_000)


async def test_reading_works_by_get_too(client: httpx.AsyncClient, book: PostgresStatsBook) -> None:
    await book.count([a_bid(1, 15_000)])
    message = f'{{"userId": "{a_user(1)}"}}'
    reply = await client.get(GET, params={"connect": "v1", "encoding": "json", "message": message})
    assert reply.json()["stats"]["totalBids"] == "1"


async def test_a_user_without_events_is_not_found(client: httpx.AsyncClient) -> None:
    assert ANNA in _refused(await client.post(GET, json={"user_id": ANNA}), 404, "not_found")


@pytest.mark.parametrize(
    "user_id", ["", "uuid", "{" + ANNA + "}", f"urn:uuid:{ANNA}", ANNA.replace("-", ""), ANNA[:-1] + "\0", f" {ANNA}"]
)
async def test_an_id_that_is_no_canonical_uuid_is_invalid(client: httpx.AsyncClient, user_id: str) -> None:
    assert "user_id" in _refused(await client.post(GET, json={"user_id": user_id}), 400, "invalid_argument")


@pytest.mark.parametrize("body", ["{}", "", "null", "[]", '{"user_id": ', '{"user_id": 42}', "\x00", "{" * 100_000])
async def test_a_body_without_a_user_is_invalid(client: httpx.AsyncClient, body: str) -> None:
    _refused(await client.post(GET, content=body, headers=JSON), 400, "invalid_argument")


async def test_unknown_fields_are_ignored(client: httpx.AsyncClient, book: PostgresStatsBook) -> None:
    await book.count([a_bid(1, 15_000)])
    reply = await client.post(GET, json={"user_id": a_user(1), "total_bids": 99, "created_at": "now"})
    assert reply.json()["stats"]["totalBids"] == "1"


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}], ids=["none", "text"])
async def test_a_wrong_content_type_is_unsupported(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await client.post(GET, content=b"{}", headers=headers)).status_code == 415


async def test_an_unknown_method_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.post(f"{SERVICE_PATH}DropUserStats", json={})).status_code in {404, 501}


async def test_a_huge_body_and_a_small_one_that_unpacks_to_a_huge_one_are_refused(client: httpx.AsyncClient) -> None:
    huge = b'{"user_id": "' + b"a" * (10 * REQUEST_BYTES_MAX) + b'"}'
    bomb = gzip.compress(huge)
    assert len(bomb) < REQUEST_BYTES_MAX
    _refused(await client.post(GET, content=huge, headers=JSON), 429, "resource_exhausted")
    headers = JSON | {"content-encoding": "gzip"}
    _refused(await client.post(GET, content=bomb, headers=headers), 429, "resource_exhausted")


@pytest.mark.parametrize("timeout", ["abc", "-1", "1e3", "99999999999"])
async def test_a_malformed_timeout_is_invalid(client: httpx.AsyncClient, timeout: str) -> None:
    reply = await client.post(GET, json={"user_id": ANNA}, headers={"connect-timeout-ms": timeout})
    _refused(reply, 400, "invalid_argument")


async def test_a_huge_timeout_is_clamped(client: httpx.AsyncClient) -> None:
    reply = await client.post(GET, json={"user_id": ANNA}, headers={"connect-timeout-ms": "9999999999"})
    _refused(reply, 404, "not_found")


async def test_an_answer_that_does_not_come_in_time_is_deadline_exceeded(
    client: httpx.AsyncClient, stats_pool: asyncpg.Pool
) -> None:
    async with stats_pool.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE user_stats IN ACCESS EXCLUSIVE MODE")
        reply = await client.post(GET, json={"user_id": ANNA}, headers={"connect-timeout-ms": "100"})
    _refused(reply, 504, "deadline_exceeded")


async def test_with_the_database_away_the_service_is_unavailable_and_comes_back(
    client: httpx.AsyncClient, stats_db_url: str
) -> None:
    async with taken_away(stats_db_url):
        for path, request in ((GET, {"user_id": ANNA}), (TOP, {"page_token": "AAAA"})):
            reply = await client.post(path, json=request)
            _refused(reply, 503, "unavailable")
            assert reply.headers["retry-after"] == "1"
    _refused(await client.post(GET, json={"user_id": ANNA}), 404, "not_found")


async def test_readiness_shows_whether_the_database_answers(stats_db_url: str) -> None:
    async with open_stats_api(stats_db_url) as api:
        assert await api.checks["stats_db"]() is None
        async with taken_away(stats_db_url):
            assert "no answer" in (await api.checks["stats_db"]() or "")


@pytest.mark.usefixtures("alters_schema")
async def test_an_unexpected_exception_is_internal_with_a_reference_and_logged_under_it(
    client: httpx.AsyncClient, book: PostgresStatsBook, stats_pool: asyncpg.Pool
) -> None:
    await book.count([a_bid(1, 15_000)])
    await stats_pool.execute("ALTER TABLE user_stats ALTER COLUMN last_updated_at DROP NOT NULL")
    await stats_pool.execute("UPDATE user_stats SET last_updated_at = NULL")
    with capture_logs() as logs:
        message = _refused(await client.post(GET, json={"user_id": a_user(1)}), 500, "internal")
    [entry] = [entry for entry in logs if entry["event"] == "unexpected_error"]
    assert entry["reference"] in message
    assert entry["exc_info"] is not None


async def test_the_top_bidders_are_those_who_spent_most_on_won_items(
    client: httpx.AsyncClient, book: PostgresStatsBook
) -> None:
    await book.count([a_bid(1, 900), a_bid(2, 950), a_bid(3, 10), a_sale(9, 1, 900), a_sale(9, 2, 950, item=2)])
    page = await _top(client)
    assert [(user["userId"], user["amountWon"]) for user in page["users"]] == [
        (a_user(2), "950"),
        (a_user(1), "900"),
        (a_user(3), "0"),
    ]
    assert page["nextPageToken"] == ""


async def test_no_bidders_are_an_empty_page(client: httpx.AsyncClient) -> None:
    assert await _top(client) == {"users": [], "nextPageToken": ""}


@pytest.mark.parametrize(("page_size", "expected"), [(0, 20), (1, 1), (100, 100), (10**9, 100)])
async def test_pages_hold_what_the_contract_says(
    client: httpx.AsyncClient, book: PostgresStatsBook, page_size: int, expected: int
) -> None:
    await book.count([a_bid(number, 10) for number in range(101)])
    page = await _top(client, page_size=page_size)
    assert len(page["users"]) == expected
    assert page["nextPageToken"]


async def test_a_negative_page_size_is_invalid(client: httpx.AsyncClient) -> None:
    assert "page_size" in _refused(await client.post(TOP, json={"page_size": -1}), 400, "invalid_argument")


async def test_tokens_lead_through_all_pages_once(client: httpx.AsyncClient, book: PostgresStatsBook) -> None:
    await book.count([a_bid(number, 10) for number in range(7)])
    await book.count([a_sale(9, number, 100, item=number) for number in range(0, 7, 2)])
    seen: list[str] = []
    request: dict[str, Any] = {"page_size": 3}
    while True:
        page = await _top(client, **request)
        seen += [user["userId"] for user in page["users"]]
        if not page["nextPageToken"]:
            break
        request["page_token"] = page["nextPageToken"]
    assert seen == [stats.user_id for stats in await book.top_bidders(None, 100)]
    assert len(seen) == 7


async def test_a_token_only_as_it_was_given(client: httpx.AsyncClient, book: PostgresStatsBook) -> None:
    await book.count([a_bid(number, 10) for number in range(3)])
    token = (await _top(client, page_size=1))["nextPageToken"]
    of_another_key = URLSafeSerializer("a guess")
    _, (amount_won, user_id) = of_another_key.loads_unsafe(token)
    guessed = of_another_key.dumps((amount_won + 9, user_id))
    promoted = f"{guessed.rpartition('.')[0]}.{token.rpartition('.')[2]}"
    assert promoted != token
    for forged in (promoted, guessed, token[:-2], token + "AA", token.swapcase(), "1", "%", "ü", "A" * 5_000):
        message = _refused(await client.post(TOP, json={"page_token": forged}), 400, "invalid_argument")
        assert "page_token" in message


@pytest.mark.usefixtures("alters_schema")
async def test_a_token_of_another_installation_is_refused(
    client: httpx.AsyncClient, book: PostgresStatsBook, stats_pool: asyncpg.Pool, stats_db_url: str
) -> None:
    await book.count([a_bid(number, 10) for number in range(3)])
    token = (await _top(client, page_size=1))["nextPageToken"]
    await stats_pool.execute("UPDATE installation SET page_token_secret = uuid_send(gen_random_uuid())")
    async with open_stats_api(stats_db_url) as foreign, client_of(foreign.routes or {}) as other:
        _refused(await other.post(TOP, json={"page_token": token}), 400, "invalid_argument")
