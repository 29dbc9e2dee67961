"""A stream goes through a proxy, here a real nginx: at once, for longer than its read timeout, and to its end."""

from contextlib import AsyncExitStack

import pytest

from gavel.bids.feed import live_feed
from tests.integration.feed.live_house import LiveHouse, open_live_house
from tests.servers.nginx import proxy_to
from tests.watching import watching

pytestmark = pytest.mark.integration

READ_TIMEOUT_SECONDS = 2
# So that a machine which stands still for a moment is no silence.
LONG_READ_TIMEOUT_SECONDS = 5
# At each pass of the sweeper, so that as many come before the timeout as would with the real ones.
HEARTBEAT_SECONDS = live_feed.SWEEP_SECONDS


@pytest.mark.parametrize("encoding", ["json", "proto"])
async def test_a_proxy_that_buffers_by_default_hands_on_each_event_as_it_comes(live: LiveHouse, encoding: str) -> None:
    item_id = await live.house.list_item()
    with proxy_to(live.address, proxy_buffering="on") as url:
        async with watching(url, {item_id: 0}, encoding=encoding) as stream:
            assert (await stream.next())["snapshot"]["seq"] == "1"
            for amount in range(1, 6):
                await live.house.bid(item_id, amount)
                assert await stream.seqs(amount + 1) == [amount + 1]


async def test_heartbeats_keep_a_stream_open_beyond_the_proxys_read_timeout(
    live: LiveHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_feed, "HEARTBEAT_SECONDS", HEARTBEAT_SECONDS)
    item_id = await live.house.list_item()
    with proxy_to(live.address, proxy_read_timeout=f"{LONG_READ_TIMEOUT_SECONDS}s") as url:
        async with watching(url, {item_id: 0}) as stream:
            assert "snapshot" in await stream.next()
            for _ in range(round(1.5 * LONG_READ_TIMEOUT_SECONDS / HEARTBEAT_SECONDS)):
                assert "heartbeat" in await stream.next()
            await live.house.bid(item_id, 5)
            assert await stream.seqs(2) == [2]


async def test_a_stream_that_a_proxy_cuts_because_nothing_comes_is_resumed(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    with proxy_to(live.address, proxy_read_timeout=f"{READ_TIMEOUT_SECONDS}s") as url:
        async with watching(url, {item_id: 0}) as stream:
            assert "snapshot" in await stream.next()
            with pytest.raises(ConnectionError):
                await stream.next()
            await live.until_watched_by(0)
        await live.house.bid(item_id, 5)
        async with watching(url, {item_id: 1}) as stream:
            assert await stream.seqs(2) == [2]


async def test_the_end_of_a_stream_and_its_hint_come_through_a_proxy(shared_bid_db_url: str) -> None:
    async with AsyncExitStack() as stack:
        async with open_live_house(shared_bid_db_url) as live:
            item_id = await live.house.list_item()
            url = stack.enter_context(proxy_to(live.address))
            stream = await stack.enter_async_context(watching(url, {item_id: 0}))
            await stream.next()
        end = await stream.end()
    assert (end.code, end.metadata["retry-after"]) == ("unavailable", ["1"])
