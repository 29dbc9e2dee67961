"""Watchers of real processes: one that is killed under hundreds of them, and two that share a broker."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gavel_tools.local_servers.stack import STOP_SECONDS_MAX, Stack
from tests.e2e.four_processes import StackClient
from tests.e2e.gavel_process import Client, Standalone, bidder, running_standalone
from tests.watching import Ended, Stream, watching

pytestmark = pytest.mark.e2e

WATCHERS = 500
BIDS_A_LIFE = 25
# More than fits into all buffers between the feed and a watcher that does not read.
BIDS_UNREAD = 1_000
RETRY_SECONDS = 0.05


class Resuming:
    """A watcher as the page is one: it comes back after every end, after the last seq that it knows."""

    def __init__(self, url: str, item_id: str) -> None:
        self.seqs: list[int] = []
        self.lives = 0
        self._url = url
        self._item_id = item_id
        self._known = 1
        self._heard = asyncio.Event()

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            try:
                async with watching(self._url, {self._item_id: self._known}) as stream:
                    await self._read(stream)
            except (OSError, EOFError, Ended):
                await asyncio.sleep(RETRY_SECONDS)

    async def until(self, seq: int, lives: int = 0) -> None:
        """Return when everything up to a seq was seen, and it came back so often."""
        while self._known < seq or self.lives < lives:
            self._heard.clear()
            await self._heard.wait()

    async def _read(self, stream: Stream) -> None:
        first = True
        while True:
            message = await stream.next(seconds=60)
            assert "snapshot" not in message, "no watcher is a thousand events behind"
            self.lives += first
            first = False
            if "event" in message:
                self._known = int(message["event"]["seq"])
                self.seqs.append(self._known)
            self._heard.set()


@pytest.mark.fault
@pytest.mark.timeout(240)
async def test_a_process_killed_under_500_watchers_has_them_all_back_with_every_seq_seen_once(
    data_folder: Path,
) -> None:
    async with running_standalone(data_folder) as gavel, httpx.AsyncClient(timeout=30) as http:
        client = Client(http, gavel.url)
        item_id = await client.list_item()
        watchers = [Resuming(gavel.url, item_id) for _ in range(WATCHERS)]
        tasks = [asyncio.create_task(watcher.run()) for watcher in watchers]
        try:
            last = 1
            for life in (1, 2, 3):
                await _all(watcher.until(last, lives=life) for watcher in watchers)
                last = await _bid(client, item_id, last)
                if life == 1:
                    # Some have seen these bids by then, and some may not have.
                    await watchers[0].until(last)
                    await gavel.kill()
                    await gavel.start()
                elif life == 2:
                    assert await gavel.stop() == 0
                    await gavel.start()
            await _all(watcher.until(last) for watcher in watchers)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    assert last == 1 + 3 * BIDS_A_LIFE
    seen = [watcher.seqs for watcher in watchers]
    assert seen == [list(range(2, last + 1))] * WATCHERS


async def _bid(client: Client, item_id: str, last: int, count: int = BIDS_A_LIFE) -> int:
    """So many more bids; the seq of the last one."""
    for number in range(last, last + count):
        await client.ok("PlaceBid", {"itemId": item_id, "userId": bidder(number), "amount": 1_000 * number})
    return last + count


async def _all(waits: Any) -> None:
    async with asyncio.timeout(90):
        await asyncio.gather(*waits)


async def test_a_watcher_of_one_bid_api_gets_bids_of_others_and_closes(
    shared_stack: Stack,
) -> None:
    apis = [name for name in shared_stack.processes if name.startswith("bid-api")]
    assert len(apis) > 1
    async with AsyncExitStack() as streams, httpx.AsyncClient(timeout=30) as http:
        clients = [StackClient(http, shared_stack, name) for name in apis]
        end_at = (datetime.now(UTC) + timedelta(seconds=15)).isoformat()
        item_id = await clients[0].list_item(endAt=end_at, softClose={"windowSeconds": 0})
        opened = [
            await streams.enter_async_context(watching(client.url_of("WatchItems"), {item_id: 0}, encoding=encoding))
            for client in clients
            for encoding in ("json", "proto")
        ]
        for stream in opened:
            assert (await stream.next())["snapshot"]["seq"] == "1"
        last = 1
        for number, client in enumerate(clients * 3):
            body = {"itemId": item_id, "userId": bidder(number), "amount": 1_000 * (number + 1)}
            await client.ok("PlaceBid", body)
            last += 1
        for stream in opened:
            assert await stream.seqs(last) == list(range(2, last + 1))
        for stream in opened:
            closed = await stream.event()
            assert (closed["seq"], closed["closed"]["sold"]) == (str(last + 1), True)


async def test_a_bid_api_that_stops_under_watchers_stops_and_sends_them_to_another(shared_stack: Stack) -> None:
    name, other = [name for name in shared_stack.processes if name.startswith("bid-api")][-2:]
    async with AsyncExitStack() as streams, httpx.AsyncClient(timeout=30) as http:
        here, there = StackClient(http, shared_stack, name), StackClient(http, shared_stack, other)
        item_id = await here.list_item()
        opened = [
            await streams.enter_async_context(watching(here.url_of("WatchItems"), {item_id: 0})) for _ in range(50)
        ]
        for stream in opened:
            await stream.next()
        try:
            await asyncio.to_thread(shared_stack.processes[name].stop, STOP_SECONDS_MAX)
            ends = [await stream.end() for stream in opened]
            assert {end.code for end in ends} == {"unavailable"}
            await there.ok("PlaceBid", {"itemId": item_id, "userId": bidder(1), "amount": 500})
            async with watching(there.url_of("WatchItems"), {item_id: 1}) as stream:
                assert await stream.seqs(2) == [2]
        finally:
            await asyncio.to_thread(shared_stack.start_process, name)
            await asyncio.to_thread(shared_stack.wait_ready, name)


async def test_a_watcher_that_does_not_read_is_ended_and_another_misses_nothing(
    client: Client, shared_gavel: Standalone
) -> None:
    item_id = await client.list_item(bidIncrement={"fixed": 1})
    async with (
        watching(shared_gavel.url, {item_id: 0}, receive_bytes=4_096) as stuck,
        watching(shared_gavel.url, {item_id: 0}) as reader,
    ):
        await stuck.next()
        await reader.next()
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(reader.seqs(1 + BIDS_UNREAD))
            last = await _bid(client, item_id, 1, BIDS_UNREAD)
        assert reading.result() == list(range(2, last + 1))
        unread, end = await _until_the_end(stuck)
        assert unread == list(range(2, 2 + len(unread)))
        assert len(unread) < BIDS_UNREAD
        # A watcher that reads too late for its last message is cut off.
        assert not isinstance(end, Ended) or end.code == "resource_exhausted"


async def _until_the_end(stream: Stream) -> tuple[list[int], Exception]:
    """The seqs of all events that still come, and what ends them."""
    seqs: list[int] = []
    try:
        while True:
            seqs.append(int((await stream.event())["seq"]))
    except (Ended, OSError, EOFError) as end:
        return seqs, end
