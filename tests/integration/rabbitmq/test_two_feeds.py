"""Two processes on one broker: what one commits is sent by the other, with the broker and without it."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from gavel.bids.adapters.postgres.feed.feed_log import PostgresFeedLog
from gavel.bids.domain.auction import ItemId
from gavel.bids.feed.live_feed import LiveFeed
from gavel.bids.feed.watch_items import watch_items
from gavel.bids.live_feed import open_live_feed
from tests.auction_house import House, house, open_house, shared_bid_db_url
from tests.servers.fault_proxy import fault_proxy, upstream_of
from tests.servers.rabbitmq_broker import until
from tests.unit.bids.feed.watchers import ReadingWatcher

__all__ = ["house", "shared_bid_db_url"]

pytestmark = [pytest.mark.integration, pytest.mark.fault]


async def watching(feed: LiveFeed, log: PostgresFeedLog, item_id: ItemId) -> ReadingWatcher:
    """A watcher of this feed, let in."""
    watcher = ReadingWatcher()

    async def opened() -> ReadingWatcher:
        return watcher

    await watch_items(feed, log, {item_id: 1}, opened)
    return watcher


async def until_told(watcher: ReadingWatcher, last: int) -> None:
    """Return when everything up to a seq was received, once and in order."""
    expected = "".join(f"event {seq};" for seq in range(2, last + 1))

    async def told() -> bool:
        return len(watcher.sent.replace("heartbeat;", "")) >= len(expected)

    await until(told)
    assert watcher.sent.replace("heartbeat;", "") == expected


@asynccontextmanager
async def committing(url: str, rabbitmq_url: str) -> AsyncGenerator[House]:
    """A house whose commits go to the broker, as another process's do."""
    async with open_live_feed(url, rabbitmq_url) as live, open_house(url, listeners=live.listeners) as house:
        yield house


async def test_watchers_miss_nothing_while_the_broker_is_away_and_hear_from_it_when_it_is_back(
    house: House, rabbitmq_url: str
) -> None:
    item_id = await house.list_item()
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(fault_proxy(upstream_of(rabbitmq_url)))
        live = await stack.enter_async_context(open_live_feed(house.url, proxy.url(rabbitmq_url)))
        other = await stack.enter_async_context(committing(house.url, rabbitmq_url))
        watcher = await watching(live.feed, PostgresFeedLog(house.pool), item_id)

        last = 1

        async def told_by_the_broker() -> bool:
            """Whether a bid of the other process came before it was looked for in the log."""
            nonlocal last
            filled = live.feed.gaps_filled
            last += 1
            await other.bid(item_id, last * 10)
            await until_told(watcher, last)
            return live.feed.gaps_filled == filled

        await until(told_by_the_broker)
        proxy.refuse()
        proxy.cut_all()
        for _ in range(3):
            last += 1
            await other.bid(item_id, last * 10)
        await until_told(watcher, last)
        assert live.feed.gaps_filled > 0
        assert await live.shown["rabbitmq"]() is not None
        proxy.behave()
        await until(told_by_the_broker)
        assert await live.shown["rabbitmq"]() is None
