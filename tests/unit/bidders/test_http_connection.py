"""One connection: kept while it is good, cut after a failure, and never answered by a reply to something else."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from gavel_tools.bidders.http_connection import BrokenReply, HttpConnection, HttpReply, UrlInvalid, address_of
from tests.unit.bidders.scripted_server import HANG_UP, SILENCE, ok, scripted_server

SECONDS_MAX = 5.0


@asynccontextmanager
async def connection(url: str) -> AsyncGenerator[HttpConnection]:
    opened = HttpConnection(address_of(url))
    try:
        yield opened
    finally:
        opened.close()


async def test_a_request_is_plain_json_and_its_reply_comes_back() -> None:
    async with scripted_server(ok(b'{"a": 1}', "Retry-After: 3")) as server, connection(f"{server.url}/house/") as http:
        assert await http.post("/Service/Call", b"{}", SECONDS_MAX) == HttpReply(200, "3", b'{"a": 1}')
    assert server.heads[0].startswith("POST /house/Service/Call HTTP/1.1\r\n")
    assert "content-type: application/json\r\n" in server.heads[0]
    assert server.bodies == [b"{}"]


async def test_a_connection_is_kept_for_the_next_request() -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    async with scripted_server(ok(b"1", "Retry-After: 3"), chunked, ok(b"3")) as server, connection(server.url) as http:
        replies = [await http.post("/", b"{}", SECONDS_MAX) for _ in range(3)]
    assert replies == [HttpReply(200, "3", b"1"), HttpReply(200, "", b"{}"), HttpReply(200, "", b"3")]
    assert server.connections == 1


async def test_a_server_that_closes_after_its_reply_is_connected_to_again() -> None:
    script = (ok(b"1", "connection: close"), ok(b"2"))
    async with scripted_server(*script) as server, connection(server.url) as http:
        assert [(await http.post("/", b"{}", SECONDS_MAX)).body for _ in range(2)] == [b"1", b"2"]
    assert server.connections == 2


async def test_a_server_that_hangs_up_is_an_error_and_is_connected_to_again() -> None:
    async with scripted_server(HANG_UP, ok(b"2")) as server, connection(server.url) as http:
        with pytest.raises(ConnectionError):
            await http.post("/", b"{}", SECONDS_MAX)
        assert (await http.post("/", b"{}", SECONDS_MAX)).body == b"2"


async def test_a_reply_that_never_comes_times_out_and_its_connection_is_not_used_again() -> None:
    async with scripted_server(ok(b"1"), SILENCE, ok(b"3")) as server, connection(server.url) as http:
        # Connected by now, so that nothing but the reply can take too long.
        assert (await http.post("/", b"{}", SECONDS_MAX)).body == b"1"
        with pytest.raises(TimeoutError):
            await http.post("/", b"{}", 0.05)
        assert (await http.post("/", b"{}", SECONDS_MAX)).body == b"3"
    assert server.connections == 2


async def test_what_is_no_http_is_a_broken_reply() -> None:
    async with scripted_server(b"SSH-2.0-OpenSSH_9.2\r\n") as server, connection(server.url) as http:
        with pytest.raises(BrokenReply):
            await http.post("/", b"{}", SECONDS_MAX)


async def test_a_reply_that_is_too_long_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gavel_tools.bidders.http_connection.REPLY_BYTES_MAX", 10)
    async with scripted_server(ok(b"x" * 11)) as server, connection(server.url) as http:
        with pytest.raises(BrokenReply, match="more than 10 bytes"):
            await http.post("/", b"{}", SECONDS_MAX)


async def test_no_listener_is_a_refused_connection() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with connection(f"http://127.0.0.1:{unused.getsockname()[1]}") as http:
            with pytest.raises(ConnectionRefusedError):
                await http.post("/", b"{}", SECONDS_MAX)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://localhost", ("localhost", 80, "localhost", "")),
        ("http://127.0.0.1:8080/", ("127.0.0.1", 8080, "127.0.0.1:8080", "")),
        ("http://[::1]:8080/a/b", ("::1", 8080, "[::1]:8080", "/a/b")),
        ("https://api.auction.local/gavel/", ("api.auction.local", 443, "api.auction.local", "/gavel")),
    ],
)
def test_a_url_is_taken_apart(url: str, where: tuple[str, int, str, str]) -> None:
    address = address_of(url)
    assert (address.host, address.port, address.host_header, address.path_prefix) == where
    assert (address.tls is not None) == url.startswith("https")


@pytest.mark.parametrize("url", ["", "127.0.0.1:8080", "ftp://host", "http://", "http://host:port", "http://hö.st/"])
def test_an_invalid_address_is_reported_with_an_example(url: str) -> None:
    with pytest.raises(UrlInvalid, match=r"such as http://127\.0\.0\.1:8080"):
        address_of(url)
