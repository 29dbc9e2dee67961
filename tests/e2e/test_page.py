"""Gavel serves the page beside its API, on one port, and runs as well without one."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.e2e.gavel_process import Client, Standalone

pytestmark = pytest.mark.e2e


@pytest.fixture
def built_page(tmp_path: Path) -> Path:
    """A page that needs no Node to build."""
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>Gavel</title>", encoding="utf-8")
    return folder


async def test_the_page_and_the_api_share_a_port(data_folder: Path, built_page: Path) -> None:
    gavel = Standalone(data_folder)
    gavel.env["GAVEL_PAGE_DIR"] = str(built_page)
    await gavel.start()
    try:
        async with httpx.AsyncClient(base_url=gavel.url, timeout=30) as http:
            item_id = await Client(http, gavel.url).list_item()
            page = await http.get(f"/items/{item_id}")
            assert page.headers["content-type"].startswith("text/html")
            assert "default-src 'self'" in page.headers["content-security-policy"]
            assert (await http.get("/page.json")).json() == {"auth_mode": "trusted", "currency": "USD"}
            for path in ("/status.json", "/board.json"):
                assert (await http.get(path)).json()["items_active"] == 1
            # What is neither the page's nor an API's is nowhere.
            assert (await http.get("/assets/gone.js")).status_code == 404
            assert (await http.get("/livez")).json()["status"] == "alive"
    finally:
        await gavel.stop()


async def test_without_a_built_page_all_else_is_served_and_the_page_once_it_is_built(
    tmp_path: Path, data_folder: Path, built_page: Path
) -> None:
    gavel = Standalone(data_folder)
    gavel.env["GAVEL_PAGE_DIR"] = str(tmp_path / "later")
    await gavel.start()
    try:
        async with httpx.AsyncClient(base_url=gavel.url, timeout=30) as http:
            assert (await http.get("/")).status_code == 404
            assert await Client(http, gavel.url).list_item()
            await asyncio.to_thread(built_page.rename, tmp_path / "later")
            assert "<title>Gavel</title>" in (await http.get("/")).text
            assert await Client(http, gavel.url).list_item()
    finally:
        await gavel.stop()
