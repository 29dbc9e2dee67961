"""What goes wrong on the way to a watcher: lost events, watchers that do not read, a server that stops."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from gavel.bids.domain.feed_events import FeedEvent, FeedKind
from gavel.runtime.http.streams import STREAM_BUFFER_BYTES_MAX
from tests.auction_house import new_user, open_house, until
from tests.integration.feed.live_house import LiveHouse, open_live_house
from tests.servers.fault_proxy import fault_proxy, upstream_of
from tests.watching import Ended, watching

pytestmark = [pytest.mark.integration, pytest.mark.fault]

SMALL_BYTES = 4_096


async def test_an_event_that_was_never_announced_is_found_though_it_is_the_last(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    async with live.watching({item_id: 0}) as stream, open_house(live.house.url) as silent:
        await stream.next()
        await silent.bid(item_id, 5)
        assert await stream.seqs(2) == [2]
        assert live.feed.gaps_filled == 1


async def test_a_gap_is_filled_before_the_event_that_shows_it(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    async with live.watching({item_id: 0}) as stream, open_house(live.house.url) as silent:
        await stream.next()
        for amount in range(1, 5):
            await silent.bid(item_id, amount)
        await live.house.bid(item_id, 10)
        await silent.bid(item_id, 20)
        assert await stream.seqs(7) == [2, 3, 4, 5, 6, 7]


async def test_events_that_come_twice_and_in_any_order_are_sent_once_and_in_order(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    async with live.watching({item_id: 0}) as stream, open_house(live.house.url) as silent:
        await stream.next()
        answers = [await silent.bid(item_id, amount) for amount in range(1, 7)]
        events = [
            FeedEvent(
                item_id,
                answer.auction.seq,
                answer.at,
                FeedKind.BID_PLACED,
                answer.auction.price,
                answer.auction.minimum_next_bid,
                answer.auction.leader_id,
                answer.auction.end_at,
                answer.auction.bid_count,
            )
            for answer in answers
        ]
        for event in [*reversed(events), *events]:
            live.feed.take([event])
            await asyncio.sleep(0)
        assert await stream.seqs(7) == [2, 3, 4, 5, 6, 7]


async def test_a_watcher_that_does_not_read_is_ended_and_costs_the_others_nothing(live: LiveHouse) -> None:
    item_id = await live.house.list_item(title="x" * 200)
    async with (
        live.watching({item_id: 0}, receive_bytes=SMALL_BYTES) as stuck,
        live.watching({item_id: 0}) as reader,
    ):
        await stuck.next()
        await live.until_watched_by(2)
        seqs: list[int] = []
        amount = 0
        while live.feed.slow_watchers_ended == 0:
            amount += 1
            await live.house.bid(item_id, amount)
            seqs += await reader.seqs(amount + 1)
        assert live.feed.watcher_count == 1
        await live.house.bid(item_id, amount + 1)
        assert seqs + await reader.seqs(amount + 2) == list(range(2, amount + 3))
        ended = await stuck.end()
        assert (ended.code, ended.metadata["retry-after"]) == ("resource_exhausted", ["1"])


async def test_a_watcher_that_never_reads_is_cut_off_with_a_bounded_buffer(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    async with live.watching({item_id: 0}, receive_bytes=SMALL_BYTES):
        await live.until_watched_by(1)
        [watcher] = live.feed.watchers
        transport = getattr(watcher, "transport")  # noqa: B009 - the port does not show it
        amount = 0
        while live.feed.slow_watchers_ended == 0:
            amount += 1
            await live.house.bid(item_id, amount)
        assert transport.get_write_buffer_size() < 2 * STREAM_BUFFER_BYTES_MAX

        async def cut_off() -> bool:
            return live.feed.leaving_count == 0

        await until(cut_off)
        assert live.feed.item_count == 0


async def test_who_resumes_slowly_gets_everything_all_the_same(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    for amount in range(1, 701):
        await live.house.bid(item_id, amount)
    async with live.watching({item_id: 1}, receive_bytes=SMALL_BYTES) as stream:
        await live.until_watched_by(1)
        seqs: list[int] = []
        for amount in range(701, 801):
            await live.house.bid(item_id, amount)
            seqs.append(int((await stream.event())["seq"]))
        assert seqs + await stream.seqs(801) == list(range(2, 802))


async def test_a_server_that_stops_sends_its_watchers_away_with_a_hint_and_stops(shared_bid_db_url: str) -> None:
    async with AsyncExitStack() as stack:
        async with open_live_house(shared_bid_db_url) as live:
            item_id = await live.house.list_item()
            streams = [await stack.enter_async_context(live.watching({item_id: 0})) for _ in range(20)]
            for stream in streams:
                await stream.next()
        ends = [await stream.end() for stream in streams]
    assert {(end.code, *end.metadata["retry-after"]) for end in ends} == {("unavailable", "1")}
    with pytest.raises(ConnectionRefusedError):
        async with watching(live.address, {item_id: 0}):
            pass


async def test_watchers_are_kept_while_the_database_is_away(shared_bid_db_url: str) -> None:
    async with (
        fault_proxy(upstream_of(shared_bid_db_url)) as proxy,
        open_house(shared_bid_db_url) as silent,
        open_live_house(proxy.url(shared_bid_db_url)) as live,
    ):
        item_id = await silent.list_item()
        async with live.watching({item_id: 0}) as stream:
            await stream.next()
            proxy.refuse()
            proxy.cut_all()
            async with live.watching({item_id: 0}) as other:
                ended = await other.end()
                assert (ended.code, ended.metadata["retry-after"]) == ("unavailable", ["1"])
            await silent.bid(item_id, 5)
            proxy.behave()
            assert await stream.seqs(2) == [2]


async def test_a_stream_goes_through_a_proxy_that_cuts_it_and_is_resumed(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    async with fault_proxy(upstream_of(live.address)) as proxy:
        url = proxy.url(live.address)
        async with watching(url, {item_id: 0}) as stream:
            await stream.next()
            await live.house.bid(item_id, 1, by=new_user())
            assert await stream.seqs(2) == [2]
            proxy.cut_all()
            await live.until_watched_by(0)
            await live.house.bid(item_id, 2)
            with pytest.raises((ConnectionError, EOFError, Ended)):
                await stream.next()
        async with watching(url, {item_id: 2}) as stream:
            assert await stream.seqs(3) == [3]


async def test_a_crowd_that_arrives_while_bids_come_in_misses_nothing(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    last = 60

    async def watch() -> list[int]:
        async with live.watching({item_id: 0}) as stream:
            first = int((await stream.next())["snapshot"]["seq"])
            return [first, *([] if first == last else await stream.seqs(last))]

    async def bid() -> None:
        for amount in range(1, last):
            await live.house.bid(item_id, amount)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bid())
        watchers = [tasks.create_task(watch()) for _ in range(60)]
    for watcher in watchers:
        seqs = watcher.result()
        assert seqs == list(range(seqs[0], last + 1))
