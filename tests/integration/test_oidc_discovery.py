"""The provider's documents, fetched over real HTTP: errors are one line that says what to do."""

import asyncio
import re
import socket
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from gavel import __version__
from gavel.runtime.http.authentication import oidc_discovery
from gavel.runtime.http.authentication.oidc_discovery import (
    DOCUMENT_BYTES_MAX,
    LoginOrigins,
    discovered_key_set,
    key_set_at,
)
from gavel.runtime.http.authentication.token_keys import FetchFailed
from gavel_tools.local_servers.ports import free_port
from tests.e2e.identity_provider import Answer, Provider, running_provider

pytestmark = pytest.mark.integration

HTML = {"Content-Type": "text/html; charset=utf-8"}
DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def provider() -> Generator[Provider]:
    """A provider that does everything right, to be changed by hand."""
    with running_provider() as provider:
        yield provider


async def _problem(issuer: str) -> str:
    with pytest.raises(FetchFailed) as failed:
        await discovered_key_set(issuer)()
    assert "\n" not in str(failed.value)
    return str(failed.value)


def _answering(provider: Provider, **changed: Any) -> Callable[[str], Answer]:
    return lambda path: Answer(**changed) if path == DISCOVERY else Provider.answer(provider, path)


def _told(provider: Provider, **changed: Any) -> Callable[[str], dict[str, Any] | None]:
    document = {"issuer": provider.issuer, "jwks_uri": f"{provider.issuer}/keys"} | changed
    return lambda path: document if path == DISCOVERY else Provider.document(provider, path)


async def test_keys_are_found_by_discovery_and_by_their_own_address_and_asked_for_in_gavels_name(
    provider: Provider,
) -> None:
    expected = {"keys": [provider.key.jwk]}
    assert await discovered_key_set(provider.issuer)() == expected
    assert await key_set_at(f"{provider.issuer}/keys")() == expected
    assert set(provider.agents) == {f"gavel/{__version__}"}


async def test_an_issuer_under_a_path_or_with_a_slash_at_its_end_is_found(provider: Provider) -> None:
    for issuer, asked in (
        (f"{provider.issuer}/realms/auction", f"/realms/auction{DISCOVERY}"),
        (f"{provider.issuer}/", DISCOVERY),
    ):
        document = {"issuer": issuer, "jwks_uri": f"{provider.issuer}/keys"}
        provider.document = lambda path, asked=asked, document=document: (
            document if path == asked else Provider.document(provider, path)
        )
        assert await discovered_key_set(issuer)() == {"keys": [provider.key.jwk]}


@pytest.mark.parametrize("slash", ["in the setting", "at the provider"])
async def test_an_issuer_that_differs_by_a_slash_is_reported_with_both(provider: Provider, slash: str) -> None:
    ours, theirs = provider.issuer, f"{provider.issuer}/"
    if slash == "in the setting":
        ours, theirs = theirs, ours
    provider.document = _told(provider, issuer=theirs)
    problem = await _problem(ours)
    for named in (f"{provider.issuer}{DISCOVERY} ", f"names the issuer '{theirs}'", f"JWT_ISSUER is '{ours}'"):
        assert named in problem


@pytest.mark.parametrize("issuer", [None, 5, ""])
async def test_a_document_without_an_issuer_is_reported(provider: Provider, issuer: object) -> None:
    provider.document = _told(provider, issuer=issuer)
    assert "names the issuer " in await _problem(provider.issuer)


@pytest.mark.parametrize("uri", [None, "", 5, ["https://login.example/keys"]])
async def test_a_document_without_jwks_uri_is_reported_with_the_setting_that_helps(
    provider: Provider, uri: object
) -> None:
    provider.document = _told(provider, jwks_uri=uri)
    assert await _problem(provider.issuer) == f"{provider.issuer}{DISCOVERY} has no jwks_uri: set JWT_JWKS_URL"


@pytest.mark.parametrize(
    "uri", ["file:///etc/passwd", "ftp://login.example/keys", "keys", "http://", "http://[", "://"]
)
async def test_only_an_address_of_the_web_is_fetched(provider: Provider, uri: str) -> None:
    provider.document = _told(provider, jwks_uri=uri)
    assert "URL" in await _problem(provider.issuer)


def test_an_issuer_of_https_has_keys_of_https() -> None:
    document = {"issuer": "https://login.example", "jwks_uri": "http://login.example/keys"}
    with pytest.raises(FetchFailed, match=r"http://login\.example/keys, which is not https"):
        oidc_discovery.key_set_url("https://login.example", "https://login.example", document)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_a_status_is_reported_with_the_address_and_without_the_body(provider: Provider, status: int) -> None:
    provider.answer = _answering(provider, status=status, body=b"<h1>Forbidden: secret</h1>", headers=HTML)
    assert await _problem(provider.issuer) == f"{provider.issuer}{DISCOVERY} answered status {status}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_reported_with_its_target_and_not_followed(provider: Provider, status: int) -> None:
    location = {"Location": f"{provider.issuer.replace('//', '//user:password@')}/elsewhere?key=secret"}
    provider.answer = _answering(provider, status=status, headers=location)
    problem = await _problem(provider.issuer)
    assert f"status {status}, a redirect to {provider.issuer}/elsewhere, " in problem
    assert "JWT_JWKS_URL" in problem
    assert "password" not in problem
    assert "secret" not in problem
    assert len(provider.agents) == 1


@pytest.mark.parametrize(
    ("body", "headers", "told"),
    [
        (b"<!doctype html><title>Sign in</title>", HTML, "content type text/html; charset=utf-8"),
        (b'{"issuer": ', {"Content-Type": "application/json"}, "content type application/json"),
        (b'["issuer"]', {"Content-Type": "application/json"}, "content type application/json"),
        (b"", {}, "content type none"),
        (b"[" * 100_000, {}, "content type none"),
        (b"\xff\xfe\x00", {}, "content type none"),
    ],
    ids=["a page", "cut off", "a list", "empty", "deep", "binary"],
)
async def test_an_answer_that_is_no_json_object_is_reported_with_its_content_type(
    provider: Provider, body: bytes, headers: dict[str, str], told: str
) -> None:
    provider.answer = _answering(provider, body=body, headers=headers)
    assert (
        await _problem(provider.issuer) == f"{provider.issuer}{DISCOVERY} answered 200 with {told}, not a JSON object"
    )


async def test_a_document_of_any_size_is_read_up_to_a_bound(provider: Provider) -> None:
    provider.answer = _answering(provider, body=b" " * (DOCUMENT_BYTES_MAX + 1))
    assert await _problem(provider.issuer) == f"{provider.issuer}{DISCOVERY} sent more than {DOCUMENT_BYTES_MAX} bytes"


async def test_an_address_without_an_answer_is_reported_with_the_reason() -> None:
    assert re.fullmatch(
        rf"http://127\.0\.0\.1:\d+{re.escape(DISCOVERY)} can't be reached: .*Connection refused",
        await _problem(f"http://127.0.0.1:{free_port()}"),
    )


async def test_loopback_is_never_asked_through_a_proxy_and_others_are(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with running_provider() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.issuer)
        assert await discovered_key_set(provider.issuer)() == {"keys": [provider.key.jwk]}
        assert proxy.agents == []
        proxy.answer = lambda path: Answer(407)
        assert "http://login.example/keys answered status 407" in await _key_set_problem("http://login.example/keys")
        assert len(proxy.agents) == 1
        monkeypatch.setenv("no_proxy", "login.invalid")
        assert "can't be reached" in await _key_set_problem("http://login.invalid/keys")
        assert len(proxy.agents) == 1


async def _key_set_problem(url: str) -> str:
    with pytest.raises(FetchFailed) as failed:
        await key_set_at(url)()
    return str(failed.value)


@pytest.mark.parametrize("url", ["http://user:password@127.0.0.1:1/keys?key=secret", "http://user:pass:word@x:y/"])
async def test_no_secret_of_an_address_is_shown(url: str) -> None:
    problem = await _key_set_problem(url)
    for secret in ("user", "pass", "word", "secret"):
        assert secret not in problem


@contextmanager
def _saying(*pieces: bytes) -> Generator[str]:
    """A server that sends each caller these bytes one after another, whatever it asks, and then nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                for piece in pieces:
                    connection.sendall(piece)
                # Until the other side has enough of it.
                connection.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("pieces", [(), (b"HTTP/1.1 200 OK\r\n",), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",)])
async def test_a_server_that_falls_silent_is_left_after_a_while(
    pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc_discovery, "FETCH_SECONDS_MAX", 0.2)
    with _saying(*pieces) as url:
        assert await _key_set_problem(url) == f"{url} did not answer within 0.2 s"


@contextmanager
def _dripping() -> Generator[str]:
    """A server that sends one header after another and never comes to an end."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(ConnectionError):
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not done.wait(0.05):
                    connection.sendall(b"x: y\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        done.set()
        thread.join()


async def test_a_server_that_never_comes_to_an_end_holds_one_request_alone() -> None:
    with _dripping() as url:
        fetch = key_set_at(url)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(fetch(), 0.2)
        with pytest.raises(FetchFailed, match="the request before has not ended"):
            await fetch()


WAIT_A_MOMENT = """
import asyncio, sys
from gavel.runtime.http.authentication.oidc_discovery import key_set_at
try:
    asyncio.run(asyncio.wait_for(key_set_at(sys.argv[1])(), 0.2))
except TimeoutError:
    print("left")
"""


async def test_a_server_that_never_comes_to_an_end_does_not_keep_the_process_from_its_end() -> None:
    with _dripping() as url:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", WAIT_A_MOMENT, url, stdout=PIPE)
        async with asyncio.timeout(60):
            said, _ = await process.communicate()
    assert (process.returncode, said) == (0, b"left\n")


async def test_a_server_of_another_protocol_is_reported() -> None:
    with _saying(b"SSH-2.0-OpenSSH_9.2\r\n") as url:
        assert await _key_set_problem(url) == f"{url} did not answer in HTTP (BadStatusLine)"


async def test_a_page_may_call_the_issuer_and_the_token_endpoint_that_it_names(provider: Provider) -> None:
    origins = LoginOrigins(provider.issuer)
    assert origins() == (provider.issuer,)
    provider.document = _told(provider, token_endpoint="https://tokens.test/oauth/token")
    renewing = origins.renewing()
    await renewing.run_once()
    assert origins() == (provider.issuer, "https://tokens.test")
    provider.document = _told(provider, token_endpoint=f"{provider.issuer}/token")
    await renewing.run_once()
    assert origins() == (provider.issuer,)


@pytest.mark.parametrize(
    "endpoint", ["https://tokens.test; script-src *", "https://user@tokens.test/", "//tokens.test", "data:,", "[", None]
)
async def test_a_token_endpoint_that_is_no_url_of_the_web_adds_nothing_to_the_policy(
    provider: Provider, endpoint: str | None
) -> None:
    origins = LoginOrigins(provider.issuer)
    provider.document = _told(provider, token_endpoint=endpoint)
    await origins.renewing().run_once()
    assert origins() == (provider.issuer,)


def test_an_issuer_of_https_has_a_token_endpoint_of_https() -> None:
    issuer = "https://login.example"
    document = {"issuer": issuer, "token_endpoint": "http://login.example/token"}
    with pytest.raises(FetchFailed, match=r"http://login\.example, which is not https"):
        oidc_discovery.login_origins(issuer, issuer, document)
    document["token_endpoint"] = "https://tokens.example/token"
    assert oidc_discovery.login_origins(issuer, issuer, document) == (issuer, "https://tokens.example")


async def test_another_issuers_document_does_not_change_what_a_page_may_call(provider: Provider) -> None:
    origins = LoginOrigins(provider.issuer)
    provider.document = _told(provider, issuer="https://other.test", token_endpoint="https://tokens.test/token")
    with pytest.raises(FetchFailed):
        await origins.renewing().run_once()
    assert origins() == (provider.issuer,)
    assert LoginOrigins("")() == ()
