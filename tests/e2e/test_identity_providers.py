"""Providers as they are: claims under odd names, tokens without audience, keys replaced, firewalls before them."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from gavel import __version__
from tests.e2e.gavel_process import (
    POLL_SECONDS,
    SELLER_ID,
    Client,
    Standalone,
    bidder,
    environment,
    new_data_folder,
    run,
    running_standalone,
)
from tests.e2e.identity_provider import Answer, Provider, SignedIn, running_provider
from tests.tokens import AUDIENCE, SigningKey

pytestmark = pytest.mark.e2e

ROLES_CLAIM = "https://house.example/roles"
BOTH = ["bidder", "seller"]
DISCOVERY = "/.well-known/openid-configuration"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def without_audience() -> AsyncGenerator[SignedIn]:
    """A Gavel that knows clients and no audience, and reads roles under a name with dots and slashes."""
    with running_provider() as provider, new_data_folder() as folder:
        settings = {
            "AUTH_MODE": "jwt",
            "JWT_ISSUER": provider.issuer,
            "JWT_CLIENT_IDS": "gavel-web, gavel-app",
            "JWT_ROLES_CLAIM": ROLES_CLAIM,
        }
        async with running_standalone(folder, **settings) as gavel:
            yield SignedIn(gavel, provider)


@pytest_asyncio.fixture
async def client(without_audience: SignedIn) -> AsyncGenerator[Client]:
    """A client that signs nothing by itself."""
    async with httpx.AsyncClient(timeout=30) as http:
        yield Client(http, without_audience.gavel.url)


def _signed(provider: Provider, subject: str, **claims: Any) -> dict[str, str]:
    """The header of an access token as Amazon Cognito makes it: without `aud`, but with `client_id`."""
    told = {"client_id": "gavel-web", "token_use": "access", ROLES_CLAIM: BOTH} | claims
    without = {} if "aud" in claims else {"without": "aud"}
    return provider.headers(subject, **{name: value for name, value in told.items() if value is not None}, **without)


async def _listed(client: Client, headers: Mapping[str, str]) -> str:
    return await client.list_item(headers=headers)


def _refused(reply: httpx.Response, status: int, code: str) -> None:
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text


async def test_a_token_without_audience_bids_where_its_client_is_known(
    client: Client, without_audience: SignedIn
) -> None:
    provider = without_audience.provider
    item_id = await _listed(client, _signed(provider, SELLER_ID))
    bid = {"itemId": item_id, "amount": 100}
    for wrong in (
        {"aud": "another"},
        {"aud": "gavel-web", "token_use": "id"},
        {"client_id": "another"},
        {"client_id": None},
        {"token_use": "id"},
    ):
        reply = await client.call("PlaceBid", bid, **_signed(provider, bidder(1), **wrong))
        _refused(reply, 401, "unauthenticated")
    assert (await client.ok("GetItem", {"id": item_id}))["item"]["seq"] == "1"
    by_azp = {"client_id": None, "token_use": None, "azp": "gavel-app"}
    await client.ok("PlaceBid", bid, **_signed(provider, bidder(1)))
    await client.ok("PlaceBid", bid | {"amount": 200}, **_signed(provider, bidder(2), **by_azp))


async def test_roles_under_the_name_of_an_address_decide_and_a_token_without_them_has_none(
    client: Client, without_audience: SignedIn
) -> None:
    provider = without_audience.provider
    item_id = await _listed(client, _signed(provider, SELLER_ID, **{ROLES_CLAIM: "seller"}))
    bid = {"itemId": item_id, "amount": 100}
    for roles in (["viewer"], None, [], {"bidder": True}, ["bidder", 5], "seller"):
        reply = await client.call("PlaceBid", bid, **_signed(provider, bidder(1), **{ROLES_CLAIM: roles}))
        _refused(reply, 403, "permission_denied")
    _refused(
        await client.call("CreateItem", {}, **_signed(provider, bidder(1), **{ROLES_CLAIM: ["viewer"]})),
        403,
        "permission_denied",
    )
    assert (await client.ok("GetItem", {"id": item_id}))["item"]["seq"] == "1"
    await client.ok("PlaceBid", bid, **_signed(provider, bidder(1), **{ROLES_CLAIM: ["bidder"]}))


async def test_tokens_without_a_role_are_logged_once_by_reason_and_not_once_a_call(data_folder: Path) -> None:
    with running_provider() as provider:
        settings = {"JWT_ISSUER": provider.issuer, "JWT_AUDIENCE": AUDIENCE, "JWT_ROLES_CLAIM": ROLES_CLAIM}
        gavel = Standalone(data_folder)
        gavel.env |= {"AUTH_MODE": "jwt", "LOG_FORMAT": "json", **settings}
        await gavel.start()
        async with httpx.AsyncClient(timeout=30) as http:
            client = Client(http, gavel.url)
            for number in range(5):
                for claims in ({}, {ROLES_CLAIM: number}):
                    reply = await client.call("CreateItem", {}, **provider.headers(bidder(number), **claims))
                    _refused(reply, 403, "permission_denied")
        assert await gavel.stop() == 0
        logged = [log for log in _json_lines(await gavel.logs()) if log["event"] == "token_without_roles"]
        assert [(log["level"], log["claim"], log["reason"]) for log in logged] == [
            ("warning", ROLES_CLAIM, "the claim is absent"),
            ("warning", ROLES_CLAIM, "the claim is neither a list of strings nor a string"),
        ]


async def test_a_key_replaced_under_its_name_is_believed_at_once_and_the_old_one_never_again(data_folder: Path) -> None:
    with running_provider() as provider:
        settings = {"AUTH_MODE": "jwt", "JWT_ISSUER": provider.issuer, "JWT_AUDIENCE": AUDIENCE}
        async with running_standalone(data_folder, **settings) as gavel, httpx.AsyncClient(timeout=30) as http:
            client = Client(http, gavel.url)
            item_id = await _listed(client, provider.headers(SELLER_ID))
            before = provider.headers(bidder(1))
            bid = {"itemId": item_id, "amount": 100}
            await client.ok("PlaceBid", bid, **before)
            provider.key = SigningKey(provider.key.key_id)
            fetches = provider.fetches
            await client.ok("PlaceBid", bid | {"amount": 200}, **provider.headers(bidder(2)))
            # Remembered from before, and signed by the key that is gone.
            _refused(await client.call("PlaceBid", bid, **before), 401, "unauthenticated")
            # One for the new key; its own renewal may fall into this.
            assert provider.fetches <= fetches + 2


def _json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


async def test_a_wrong_answer_of_a_provider_or_firewall_is_in_readiness_and_log_until_it_is_right(
    data_folder: Path,
) -> None:
    with running_provider() as provider:
        asked = f"{provider.issuer}{DISCOVERY}"
        html, location = {"Content-Type": "text/html"}, {"Location": "https://login.example/moved?key=secret"}
        theirs = json.dumps({"issuer": f"{provider.issuer}/", "jwks_uri": f"{provider.issuer}/keys"}).encode()
        cases = {
            f"{asked} answered status 403": Answer(403, b"<p>Forbidden</p>", html),
            f"{asked} answered 200 with content type text/html": Answer(200, b"<p>secret</p>", html),
            f"{asked} answered status 301, a redirect to https://login.example/moved,": Answer(301, b"", location),
            f"{asked} names the issuer '{provider.issuer}/', but JWT_ISSUER is '{provider.issuer}'": Answer(
                200, theirs
            ),
            f"{asked} has no jwks_uri: set JWT_JWKS_URL": Answer(200, json.dumps({"issuer": provider.issuer}).encode()),
        }
        provider.answer = lambda path: Answer(403, b"", html)
        gavel = Standalone(data_folder)
        settings = {"AUTH_MODE": "jwt", "JWT_ISSUER": provider.issuer, "JWT_AUDIENCE": AUDIENCE}
        # Nothing on this machine is asked through a proxy, least of all one that does not listen.
        proxies = {
            "HTTP_PROXY": "http://127.0.0.1:9",
            "http_proxy": "http://127.0.0.1:9",
            "NO_PROXY": "",
            "no_proxy": "",
        }
        gavel.env |= settings | proxies | {"LOG_FORMAT": "json"}
        starting = asyncio.create_task(gavel.start())
        async with httpx.AsyncClient(trust_env=False) as http:
            for text, answer in cases.items():
                provider.answer = lambda path, answer=answer: answer
                await _readiness(http, gavel.url, text)
        provider.answer = lambda path: Provider.answer(provider, path)
        await starting
        assert await gavel.stop() == 0
        assert set(provider.agents) == {f"gavel/{__version__}"}
        logged = [log["error"] for log in _json_lines(await gavel.logs()) if log["event"] == "token_keys_fetch_failed"]
        assert [text for text in cases if not any(text in error for error in logged)] == []
        assert "secret" not in await gavel.logs()


async def _readiness(http: httpx.AsyncClient, url: str, text: str) -> None:
    """Wait until the readiness probe reports this of the keys."""
    async with asyncio.timeout(60):
        while True:
            try:
                told: dict[str, str] = (await http.get(f"{url}/readyz")).json()
                if text in told.get("token_keys", ""):
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(POLL_SECONDS)


@pytest.mark.parametrize(
    ("settings", "mistakes"),
    [
        ({}, ["JWT_CLIENT_IDS: or JWT_AUDIENCE is required while AUTH_MODE is jwt"]),
        ({"JWT_CLIENT_IDS": " , ", "JWT_AUDIENCE": " "}, ["JWT_CLIENT_IDS: or JWT_AUDIENCE is required"]),
        ({"JWT_AUDIENCE": "x", "JWT_JWKS_URL": "https://user:s3cret@keys.example/"}, ["JWT_JWKS_URL: must be"]),
        ({"JWT_AUDIENCE": "x", "JWT_JWKS_URL": "https://"}, ["JWT_JWKS_URL: must be"]),
        ({"JWT_AUDIENCE": "x", "JWT_ISSUER": "ldap://login.example"}, ["JWT_PUBLIC_KEY_PATH: or JWT_JWKS_URL"]),
        ({"JWT_AUDIENCE": "x", "JWT_PUBLIC_KEY_PATH": "key.pem", "JWT_ALGORITHMS": "RS256"}, ["JWT_ALGORITHMS: has"]),
    ],
)
async def test_settings_that_can_believe_no_token_are_refused_with_the_one_that_helps(
    settings: dict[str, str], mistakes: list[str], data_folder: Path
) -> None:
    (data_folder / "key.pem").write_bytes(SigningKey("only").pem)
    if "JWT_PUBLIC_KEY_PATH" in settings:
        settings = settings | {"JWT_PUBLIC_KEY_PATH": str(data_folder / "key.pem")}
    told = {"AUTH_MODE": "jwt", "JWT_ISSUER": "https://login.example", **settings}
    status, said = await run("standalone", env=environment(GAVEL_DATA_DIR=str(data_folder), **told))
    assert status == 2
    assert [mistake for mistake in mistakes if mistake not in said] == []
    assert "s3cret" not in said
