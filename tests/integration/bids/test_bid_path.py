"""The path of one PlaceBid from the socket to the reply: it enters the files that ARCHITECTURE.md lists."""

import asyncio
import json
import re
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import FrameType

import pytest

import gavel
from gavel.bids.adapters.postgres.writing.auction_book import PostgresAuctionBook
from gavel.bids.api import open_bid_api
from gavel.runtime.http.access_control import AccessControl
from gavel.runtime.http.connection import HttpConnection
from gavel.runtime.http.routes import Pipeline, Routes
from gavel.runtime.http.server import bind, serving
from gavel.runtime.postgres import connections as postgres
from tests.auction_house import House, new_user
from tests.house.tree import ROOT

pytestmark = pytest.mark.integration

STEPS_MAX = 20
FILES_MAX = 25
SOURCES = Path(gavel.__file__).parent


@contextmanager
def _entered() -> Generator[set[str]]:
    """Collect the files of the product whose functions are called until a reply is written, generated code apart."""
    files = set[str]()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(SOURCES) and "contracts" not in path.parts:
                files.add(path.relative_to(SOURCES).as_posix())
        elif event == "return" and frame.f_code is HttpConnection.write.__code__:
            sys.setprofile(None)

    sys.setprofile(note)
    threading.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def _section() -> str:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return text.split("## The path of one PlaceBid", 1)[1].split("\n## ", 1)[0]


def _steps() -> list[str]:
    """The files of the numbered list."""
    return re.findall(r"^\d+\. `([\w/.]+)`", _section(), re.MULTILINE)


def _called() -> list[str]:
    """The files that the text behind the list names; a folder's name applies to those behind it."""
    text = _section().split("These call", 1)[1]
    files, folder = list[str](), ""
    for name in re.findall(r"`([\w/.]+)`", text):
        if not name.endswith(".py"):
            folder = name
        else:
            files.append(name if (SOURCES / name).exists() else f"{folder}/{name}")
    return files


async def test_one_bid_enters_the_files_that_the_architecture_lists(bid_db_url: str) -> None:
    async with await postgres.open_pool(bid_db_url, "tests") as pool, open_bid_api(bid_db_url, "USD") as api:
        assert isinstance(api.book, PostgresAuctionBook)
        listener = bind("127.0.0.1", 0)
        async with serving(Pipeline(Routes(api.routes), AccessControl()), listener, api.feed.stop):
            item_id = await House(api.book, pool, bid_db_url).list_item(ends_in=timedelta(days=1))
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            # The first bid is for what is made once; what only one of the others enters is a timer's.
            entered: list[set[str]] = []
            for amount in range(1_000_000, 5_000_000, 1_000_000):
                body = json.dumps({"item_id": item_id, "user_id": new_user(), "amount": amount}).encode()
                head = b"POST /bids.v1.BidService/PlaceBid HTTP/1.1\r\nhost: gavel\r\n"
                framing = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
                with _entered() as files:
                    writer.write(head + framing + body)
                    reply = await reader.readuntil(b"\r\n\r\n")
                    length = re.search(rb"content-length: (\d+)", reply)
                    assert length is not None
                    answer = json.loads(await reader.readexactly(int(length[1])))
                assert answer["bid"]["amount"] == str(amount)
                entered.append(files)
            writer.close()
    files = entered[1].intersection(*entered[2:])
    print("\n".join(sorted(files)))
    steps = _steps()
    assert len(steps) <= STEPS_MAX
    assert files == {*steps, *_called()}
    assert len(files) <= FILES_MAX
