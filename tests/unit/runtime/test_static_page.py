"""The page: one document for every address in it, files as they are, and a strict policy on all of it."""

import gzip
import os
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from gavel.runtime.http.static_page import WebPage

SCRIPT = "assets/index-C4fe.js"
SECRET = "beside the folder"
POLICY = "content-security-policy"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a build leaves, and a file beside it."""
    (tmp_path / "secret.txt").write_text(SECRET)
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html><title>The page</title>")
    (built / "gavel.svg").write_text("<svg/>")
    (built / SCRIPT).write_text("run()" * 1_000)
    (built / f"{SCRIPT}.gz").write_bytes(gzip.compress((built / SCRIPT).read_bytes()))
    return built


@pytest_asyncio.fixture
async def browser(folder: Path) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the page."""
    transport = httpx.ASGITransport(WebPage(folder, lambda: ["https://login.test"]))
    async with httpx.AsyncClient(transport=transport, base_url="http://page.test") as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/items/0b1c", "/board", "/my-bids?after=1.5", "/index.html"])
async def test_every_address_in_the_page_is_the_document_and_is_asked_for_again(
    browser: httpx.AsyncClient, path: str
) -> None:
    reply = await browser.get(path)
    assert (reply.status_code, reply.headers["content-type"]) == (200, 'text/html; charset="utf-8"')
    assert "The page" in reply.text
    assert reply.headers["cache-control"] == "no-cache"
    again = await browser.get(path, headers={"if-none-match": reply.headers["etag"]})
    assert again.status_code == 304


async def test_what_is_named_by_its_content_may_be_kept_for_ever_and_travels_compressed(
    browser: httpx.AsyncClient,
) -> None:
    reply = await browser.get(f"/{SCRIPT}", headers={"accept-encoding": "gzip"})
    assert reply.headers["cache-control"].split(", ") == ["max-age=315360000", "public", "immutable"]
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.text == "run()" * 1_000
    plain = await browser.get(f"/{SCRIPT}", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == reply.text
    assert (await browser.get("/gavel.svg")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", f"/{SCRIPT}", "/gavel.svg"])
async def test_a_browser_runs_nothing_from_elsewhere_and_shows_it_in_no_frame(
    browser: httpx.AsyncClient, path: str
) -> None:
    headers = (await browser.get(path)).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self' https://login.test"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


async def test_the_policy_follows_the_origins_that_the_page_may_call(folder: Path) -> None:
    origins = ["https://login.test"]
    transport = httpx.ASGITransport(WebPage(folder, lambda: tuple(origins)))
    async with httpx.AsyncClient(transport=transport, base_url="http://page.test") as client:
        for path in ("/", f"/{SCRIPT}"):
            assert "connect-src 'self' https://login.test;" in (await client.get(path)).headers[POLICY]
        origins.append("https://tokens.test")
        for path in ("/", f"/{SCRIPT}"):
            assert (
                "connect-src 'self' https://login.test https://tokens.test;" in (await client.get(path)).headers[POLICY]
            )


@pytest.mark.parametrize(
    "path", ["/assets/gone.js", "/userstats.v2.Other/Call", "/../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt"]
)
async def test_what_is_no_part_of_the_page_is_not_found(browser: httpx.AsyncClient, path: str) -> None:
    reply = await browser.get(path)
    assert reply.status_code == 404
    assert SECRET not in reply.text


async def test_a_path_of_the_page_is_only_read(browser: httpx.AsyncClient) -> None:
    assert (await browser.post("/items/0b1c", json={})).status_code == 404
    assert (await browser.post("/gavel.svg")).status_code == 405


async def test_a_page_that_is_built_later_or_anew_is_served_without_a_restart(tmp_path: Path) -> None:
    folder, build = tmp_path / "dist", tmp_path / "dist.new"
    page = WebPage(folder)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(page), base_url="http://page.test") as client:
        assert not page.is_built
        assert (await client.get("/items/0b1c")).json() == {
            "code": "unimplemented",
            "message": "no such page or procedure",
        }
        for number in (1, 2):
            (build / "assets").mkdir(parents=True)
            (build / "assets" / f"index-{number}.js").write_text("run()")
            (build / "index.html").write_text(f"build {number}")
            # As far apart as two builds are at least; a file system may count in seconds.
            os.utime(build / "index.html", (number, number))
            shutil.rmtree(folder, ignore_errors=True)
            build.rename(folder)
            assert page.is_built
            assert (await client.get("/items/0b1c")).text == f"build {number}"
            assert (await client.get(f"/assets/index-{number}.js")).status_code == 200
        assert (await client.get("/assets/index-1.js")).status_code == 404
        shutil.rmtree(folder)
        assert (await client.get("/items/0b1c")).status_code == 404
