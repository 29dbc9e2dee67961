"""AUTH_MODE=jwt from outside: who is asked for a token, which tokens are believed, and who acts for whom."""

import asyncio
import re
import shlex
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from tests.e2e.gavel_process import SELLER_ID, Client, Standalone, bidder, environment, run, running_standalone
from tests.e2e.identity_provider import Provider, SignedIn, running_provider
from tests.tokens import AUDIENCE, SigningKey
from tests.watching import watching

pytestmark = pytest.mark.e2e

NOW = int(time.time())
FORGER = SigningKey("first")


@pytest_asyncio.fixture
async def client(gavel_with_tokens: SignedIn) -> AsyncGenerator[Client]:
    """A client that signs nothing by itself."""
    async with httpx.AsyncClient(timeout=30) as http:
        yield Client(http, gavel_with_tokens.gavel.url)


@pytest.fixture
def provider(gavel_with_tokens: SignedIn) -> Provider:
    """Who signs what that Gavel believes."""
    return gavel_with_tokens.provider


def _refused(reply: httpx.Response, status: int, code: str) -> None:
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text
    for secret in ("Traceback", "jwt.", ".py", "<class", "eyJ"):
        assert secret not in reply.text


async def _listed(client: Client, provider: Provider) -> str:
    item = {"title": "A lot", "sellerId": SELLER_ID, "startPrice": 100, "endAt": "2035-01-01T00:00:00Z"}
    return (await client.ok("CreateItem", item, **provider.headers(SELLER_ID)))["item"]["id"]


async def _no_effect(client: Client, item_id: str) -> None:
    item = (await client.ok("GetItem", {"id": item_id}))["item"]
    assert (item["seq"], item.get("bidCount", "0"), item["title"]) == ("1", "0", "A lot")


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"exp": NOW - 60},
    "not valid yet": {"nbf": NOW + 3_600},
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "another"},
    "empty subject": {"sub": ""},
    "no end": {"without": "exp"},
}


@pytest.mark.parametrize("claims", BAD_CLAIMS.values(), ids=BAD_CLAIMS)
async def test_a_token_with_bad_claims_is_unauthenticated(
    client: Client, provider: Provider, claims: dict[str, Any]
) -> None:
    item_id = await _listed(client, provider)
    token = provider.key.sign(**{"issuer": provider.issuer, "sub": bidder(1)} | claims)
    body = {"itemId": item_id, "userId": bidder(1), "amount": 100}
    reply = await client.call("PlaceBid", body, Authorization=f"Bearer {token}")
    _refused(reply, 401, "unauthenticated")
    assert reply.headers["www-authenticate"] == "Bearer"
    await _no_effect(client, item_id)


@pytest.mark.parametrize("make", [SigningKey.unsigned, SigningKey.signed_with_its_public_half])
async def test_an_unsigned_token_or_one_signed_with_the_public_key_is_unauthenticated(
    client: Client, provider: Provider, make: Callable[..., str]
) -> None:
    item_id = await _listed(client, provider)
    body = {"itemId": item_id, "userId": bidder(1), "amount": 100}
    token = make(provider.key, issuer=provider.issuer, sub=bidder(1))
    reply = await client.call("PlaceBid", body, Authorization=f"Bearer {token}")
    _refused(reply, 401, "unauthenticated")
    await _no_effect(client, item_id)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer " + "a." * 9_000])
async def test_no_token_or_a_malformed_one_is_unauthenticated(
    client: Client, provider: Provider, authorization: str
) -> None:
    item_id = await _listed(client, provider)
    body = {"itemId": item_id, "userId": bidder(1), "amount": 100}
    sent = {"Authorization": authorization} if authorization else {}
    _refused(await client.call("PlaceBid", body, **sent), 401, "unauthenticated")
    await _no_effect(client, item_id)


@pytest.mark.parametrize("method", ["PlaceBid", "BuyNow", "ListMyBids", "CreateItem", "UpdateItem", "CancelItem"])
async def test_what_is_done_in_a_name_needs_a_token(client: Client, method: str) -> None:
    _refused(await client.call(method, {}), 401, "unauthenticated")


async def test_a_forged_signature_is_unauthenticated_and_known_keys_are_not_fetched_for_it(
    client: Client, provider: Provider
) -> None:
    item_id, fetches = await _listed(client, provider), provider.fetches
    token = FORGER.sign(issuer=provider.issuer, sub=bidder(1))
    body = {"itemId": item_id, "userId": bidder(1), "amount": 100}
    for _ in range(20):
        _refused(await client.call("PlaceBid", body, Authorization=f"Bearer {token}"), 401, "unauthenticated")
    # Its own renewal may fall into this; a fetch for each forgery would be five.
    assert provider.fetches <= fetches + 1


async def test_a_bid_is_its_tokens_bearers(client: Client, provider: Provider) -> None:
    item_id = await _listed(client, provider)
    body = {"itemId": item_id, "userId": bidder(2), "amount": 100}
    signed = provider.headers(bidder(1))
    _refused(await client.call("PlaceBid", body, **signed), 403, "permission_denied")
    await _no_effect(client, item_id)
    answer = await client.ok("PlaceBid", {"itemId": item_id, "amount": 100}, **signed)
    assert answer["bid"]["userId"] == bidder(1)
    again = {"itemId": item_id, "userId": bidder(2).upper(), "amount": 200}
    assert (await client.ok("PlaceBid", again, **provider.headers(bidder(2))))["bid"]["userId"] == bidder(2)


async def test_my_bids_are_shown_to_me_alone(client: Client, provider: Provider) -> None:
    # Others have bid in the same Gavel: nobody else may be this one.
    item_id, me, another = await _listed(client, provider), str(uuid4()), str(uuid4())
    body = {"itemId": item_id, "amount": 100, "maxAmount": 98_765}
    await client.ok("PlaceBid", body, **provider.headers(me))
    mine = await client.ok("ListMyBids", {}, **provider.headers(me))
    assert [each["maxAmount"] for each in mine["bids"]] == ["98765"]
    reply = await client.call("ListMyBids", {"userId": me}, **provider.headers(another))
    _refused(reply, 403, "permission_denied")
    assert "98765" not in reply.text


@pytest.mark.parametrize("method", ["UpdateItem", "CancelItem"])
async def test_anothers_item_is_not_to_be_changed(client: Client, provider: Provider, method: str) -> None:
    item_id = await _listed(client, provider)
    for body in ({"id": item_id, "title": "Mine"}, {"id": item_id, "title": "Mine", "sellerId": SELLER_ID}):
        _refused(await client.call(method, body, **provider.headers(bidder(1))), 403, "permission_denied")
    await _no_effect(client, item_id)


async def test_a_role_that_is_named_is_needed_and_an_administrator_has_all(client: Client, provider: Provider) -> None:
    item_id = await _listed(client, provider)
    bid = {"itemId": item_id, "amount": 100}
    seller, admin = provider.headers(bidder(3), roles=["seller"]), provider.headers(bidder(3), roles=["admin"])
    _refused(await client.call("PlaceBid", bid, **seller), 403, "permission_denied")
    _refused(await client.call("CreateItem", {}, **provider.headers(bidder(3), roles=[])), 403, "permission_denied")
    await _no_effect(client, item_id)
    await client.ok("PlaceBid", bid, **admin)


async def test_public_reads_need_no_token_but_one_that_is_sent_must_be_good(client: Client, provider: Provider) -> None:
    item_id = await _listed(client, provider)
    for method, body in (("GetItem", {"id": item_id}), ("ListItems", {}), ("ListTopBidders", {})):
        await client.ok(method, body)
        await client.ok(method, body, **provider.headers(bidder(1)))
        expired = provider.headers(bidder(1), exp=NOW - 60)
        _refused(await client.call(method, body, **expired), 401, "unauthenticated")


async def test_reads_that_are_not_public_need_a_token(data_folder: Path) -> None:
    key = SigningKey("only")
    (data_folder / "key.pem").write_bytes(key.pem)
    settings = {
        "AUTH_MODE": "jwt",
        "JWT_ISSUER": "someone",
        "JWT_AUDIENCE": AUDIENCE,
        "JWT_PUBLIC_KEY_PATH": str(data_folder / "key.pem"),
        "PUBLIC_READS": "false",
    }
    async with running_standalone(data_folder, **settings) as gavel, httpx.AsyncClient(timeout=30) as http:
        client = Client(http, gavel.url)
        for method in ("GetItem", "ListItems", "ListSellerItems", "GetItemBids", "GetLeaderboard", "ListTopBidders"):
            _refused(await client.call(method, {}), 401, "unauthenticated")
        for path in ("/status.json", "/board.json"):
            _refused(await http.get(gavel.url + path), 401, "unauthenticated")
        good, bad = (f"Bearer {signer.sign(issuer='someone')}" for signer in (key, FORGER))
        await client.ok("ListItems", {}, Authorization=good)
        item = {"title": "A lot", "startPrice": 100, "endAt": "2035-01-01T00:00:00Z"}
        item_id = (await client.ok("CreateItem", item, Authorization=good))["item"]["id"]
        for authorization in ("", bad):
            async with watching(gavel.url, {item_id: 0}, authorization=authorization) as stream:
                refused = await stream.reader.readuntil(b"}")
            assert b'{"error": {"code": "unauthenticated"' in refused
        async with watching(gavel.url, {item_id: 0}, authorization=good) as stream:
            assert (await stream.next())["snapshot"]["id"] == item_id


@pytest.mark.parametrize("encoding", ["json", "proto"])
async def test_a_stream_ends_with_its_token_and_goes_on_after_the_last_seq_with_a_new_one(
    client: Client, provider: Provider, encoding: str
) -> None:
    item_id = await _listed(client, provider)
    # Expired already; the leeway of 30 s lets it in, and is over in some seconds.
    expiring = f"Bearer {provider.sign(bidder(1), exp=int(time.time()) - 22)}"
    async with watching(client.url, {item_id: 0}, encoding=encoding, authorization=expiring) as stream:
        assert (await stream.next())["snapshot"]["seq"] == "1"
        await client.ok("PlaceBid", {"itemId": item_id, "amount": 100}, **provider.headers(bidder(1)))
        assert await stream.seqs(2) == [2]
        assert (await stream.end()).code == "unauthenticated"
    await client.ok("PlaceBid", {"itemId": item_id, "amount": 200}, **provider.headers(bidder(2)))
    renewed = f"Bearer {provider.sign(bidder(1))}"
    async with watching(client.url, {item_id: 2}, encoding=encoding, authorization=renewed) as stream:
        assert await stream.seqs(3) == [3]


async def test_a_rotated_key_is_believed_at_once_and_known_keys_serve_while_the_provider_is_away(
    data_folder: Path,
) -> None:
    with running_provider() as provider:
        settings = {"AUTH_MODE": "jwt", "JWT_ISSUER": provider.issuer, "JWT_AUDIENCE": AUDIENCE}
        async with running_standalone(data_folder, **settings) as gavel, httpx.AsyncClient(timeout=30) as http:
            client = Client(http, gavel.url)
            before = provider.headers(bidder(1))
            await client.ok("ListMyBids", {}, **before)
            provider.key = SigningKey("second")
            await client.ok("ListMyBids", {}, **provider.headers(bidder(1)))
            _refused(await client.call("ListMyBids", {}, **before), 401, "unauthenticated")
            provider.document = lambda path: None
            await client.ok("ListMyBids", {}, **provider.headers(bidder(2)))
            unknown = SigningKey("third").sign(issuer=provider.issuer)
            reply = await client.call("ListMyBids", {}, Authorization=f"Bearer {unknown}")
            _refused(reply, 503, "unavailable")
            assert int(reply.headers["retry-after"]) >= 1


async def test_bidders_bid_with_minted_tokens(data_folder: Path) -> None:
    env = environment(GAVEL_DATA_DIR=str(data_folder))
    # As a shell reads them: the path of the key has a space.
    settings = dict(shlex.split(line)[1].split("=", 1) for line in (await _said("token", "--settings", env=env)))
    async with running_standalone(data_folder, **settings) as gavel, httpx.AsyncClient(timeout=30) as http:
        arguments = ("bidders", "--url", gavel.url, "-n", "4", "--count", "40", "--create", "2", "--verify")
        status, said = await run(*arguments, env=env)
        assert (status, "AUTH_MODE=trusted" in said) == (2, True), said
        status, said = await run(*arguments, "--auth", env=env)
        assert status == 0, said
        [token] = await _said("token", bidder(5), "--role", "bidder", env=env)
        client = Client(http, gavel.url)
        await client.ok("ListMyBids", {"userId": bidder(5)}, Authorization=f"Bearer {token}")
        _refused(await client.call("CreateItem", {}, Authorization=f"Bearer {token}"), 403, "permission_denied")
    assert (data_folder / "development-key.pem").stat().st_mode & 0o077 == 0


async def _said(*arguments: str, env: dict[str, str]) -> list[str]:
    status, said = await run(*arguments, env=env, out=True)
    assert status == 0, said
    return said.splitlines()


@pytest.mark.parametrize(
    ("settings", "mistakes"),
    [
        (
            {"AUTH_MODE": "jwt", "HTTP_PORT": "many", "JWT_ALGORITHMS": "HS256", "JWT_JWKS_URL": "file:///keys"},
            ["HTTP_PORT", "JWT_ISSUER", "JWT_AUDIENCE", "JWT_ALGORITHMS", "JWT_JWKS_URL"],
        ),
        (
            {"AUTH_MODE": "jwt", "JWT_ISSUER": "me", "JWT_AUDIENCE": "x", "JWT_PUBLIC_KEY_PATH": "/nowhere"},
            ["JWT_PUBLIC_KEY_PATH"],
        ),
        ({"AUTH_MODE": "jwt", "JWT_ISSUER": "me", "JWT_AUDIENCE": "x"}, ["JWT_PUBLIC_KEY_PATH", "JWT_JWKS_URL"]),
    ],
)
async def test_mistakes_in_the_settings_of_tokens_are_reported_together(
    settings: dict[str, str], mistakes: list[str], data_folder: Path
) -> None:
    status, said = await run("standalone", env=environment(GAVEL_DATA_DIR=str(data_folder), **settings))
    assert status == 2
    assert [mistake for mistake in mistakes if mistake not in said] == []
    assert "Traceback" not in said


async def test_trusted_mode_warns_at_start_that_authentication_is_disabled(data_folder: Path) -> None:
    gavel = Standalone(data_folder)
    gavel.env |= {"LOG_LEVEL": "WARNING"}
    await gavel.start()
    assert await gavel.stop() == 0
    assert "authentication_disabled" in await gavel.logs()


async def test_one_user_who_floods_gets_retry_after_and_others_are_unaffected(data_folder: Path) -> None:
    with running_provider() as provider:
        # So few that even a slow machine sends more.
        settings = {"JWT_ISSUER": provider.issuer, "JWT_AUDIENCE": AUDIENCE, "RATE_LIMIT_USER_PER_SECOND": "1"}
        async with (
            running_standalone(data_folder, AUTH_MODE="jwt", **settings) as gavel,
            httpx.AsyncClient(timeout=30) as http,
        ):
            client = Client(http, gavel.url)
            item_id = await _listed(client, provider)
            flooder, bystander = bidder(10), bidder(20)
            signed, body = provider.headers(flooder), {"itemId": item_id, "amount": 1}
            replies = await asyncio.gather(*(client.call("PlaceBid", body, **signed) for _ in range(50)))
            refused = [reply for reply in replies if reply.status_code == 429]
            assert len(refused) > 10
            for reply in refused:
                _refused(reply, 429, "resource_exhausted")
                assert int(reply.headers["retry-after"]) >= 1
            bid = {"itemId": item_id, "amount": 100}
            assert (await client.ok("PlaceBid", bid, **provider.headers(bystander)))["leading"]
            await client.ok("GetItem", {"id": item_id}, **provider.headers(flooder))
            counted = (await http.get(f"{gavel.url}/metrics")).text
            assert re.search(r'gavel_http_refusals_total{reason="user"} [1-9]', counted)


async def test_the_page_learns_under_which_id_the_bearer_of_a_token_bids(client: Client, provider: Provider) -> None:
    told = (await client.http.get(f"{client.url}/page.json")).json()
    assert told == {"auth_mode": "jwt", "currency": "USD"}
    mine = await client.http.get(f"{client.url}/page.json", headers=provider.headers(bidder(3)))
    assert mine.json() == {**told, "user_id": bidder(3)}
    forged = {"Authorization": f"Bearer {FORGER.sign(issuer=provider.issuer, sub=bidder(3))}"}
    assert (await client.http.get(f"{client.url}/page.json", headers=forged)).json() == told
