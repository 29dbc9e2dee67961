"""What a watcher gets: the state of an item, then every event, in order and without a gap."""

import gzip
from datetime import timedelta
from uuid import uuid4

import pytest

from gavel.bids.adapters.postgres.reading.item_catalogue import PostgresItemCatalogue
from gavel.bids.domain.auction import SoftClose
from gavel.bids.feed.watch_items import EVENTS_BEHIND_MAX
from gavel.bids.use_cases.buy_now import buy_now
from gavel.bids.use_cases.cancel_item import cancel_item
from tests.auction_house import SELLER, new_user, soon
from tests.integration.feed.live_house import LiveHouse
from tests.watching import request

pytestmark = pytest.mark.integration

ENCODINGS = pytest.mark.parametrize("encoding", ["json", "proto"])


@ENCODINGS
async def test_a_snapshot_comes_first_and_then_every_bid_with_the_state_after_it(
    live: LiveHouse, encoding: str
) -> None:
    item_id = await live.house.list_item(title="A clock", increment=5)
    async with live.watching({item_id: 0}, encoding=encoding) as stream:
        first = await stream.next()
        assert (stream.status, stream.headers["content-type"]) == (200, f"application/connect+{encoding}")
        assert stream.headers["x-accel-buffering"] == "no"
        shown = first["snapshot"]
        assert (shown["id"], shown["title"], shown["seq"], shown["minimumNextBid"]) == (item_id, "A clock", "1", "1")
        bidder = new_user()
        answer = await live.house.bid(item_id, 100, by=bidder)
        event = await stream.event()
        assert answer.bid is not None
        assert (event["itemId"], event["seq"]) == (item_id, "2")
        assert (event["bidPlaced"]["userId"], event["bidPlaced"]["amount"]) == (bidder, "100")
        state = {name: event[name] for name in ("currentHighestBid", "minimumNextBid", "highestBidderId", "bidCount")}
        assert state == {
            "currentHighestBid": "100",
            "minimumNextBid": "105",
            "highestBidderId": bidder,
            "bidCount": "1",
        }


async def test_events_that_were_missed_come_first_and_once(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    for amount in range(1, 6):
        await live.house.bid(item_id, amount)
    async with live.watching({item_id: 2}) as stream:
        assert await stream.seqs(6) == [3, 4, 5, 6]
        await live.house.bid(item_id, 10)
        assert await stream.seqs(7) == [7]


async def test_who_has_missed_nothing_is_sent_a_heartbeat_at_once(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    async with live.watching({item_id: 1}) as stream:
        first = await stream.next()
        assert "heartbeat" in first
        assert first["serverTime"].endswith("Z")


async def test_who_is_ahead_of_the_item_gets_a_snapshot(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    async with live.watching({item_id: 99}) as stream:
        assert (await stream.next())["snapshot"]["seq"] == "1"


async def test_who_is_more_than_a_thousand_events_behind_gets_a_snapshot(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    for amount in range(1, EVENTS_BEHIND_MAX + 3):
        await live.house.bid(item_id, amount)
    last = EVENTS_BEHIND_MAX + 3
    async with live.watching({item_id: 2}) as stream:
        assert (await stream.next())["snapshot"]["seq"] == str(last)
    async with live.watching({item_id: 3}) as stream:
        assert await stream.seqs(last) == list(range(4, last + 1))


async def test_one_stream_has_many_items(live: LiveHouse) -> None:
    items = [await live.house.list_item() for _ in range(100)]
    async with live.watching(dict.fromkeys(items, 0)) as stream:
        shown = [(await stream.next())["snapshot"]["id"] for _ in items]
        assert sorted(shown) == sorted(items)
        for item_id in reversed(items):
            await live.house.bid(item_id, 7)
            assert (await stream.event())["itemId"] == item_id


async def test_a_decision_of_several_events_is_sent_in_its_order(live: LiveHouse) -> None:
    soft = SoftClose(window_seconds=600, extension_seconds=600)
    item_id = await live.house.list_item(ends_in=timedelta(seconds=60), soft_close=soft, increment=100, start_price=100)
    first, second = new_user(), new_user()
    async with live.watching({item_id: 0}) as stream:
        assert "snapshot" in await stream.next()
        await live.house.bid(item_id, 1_000, by=first, max_amount=5_000)
        assert [(await stream.event()).keys() & {"bidPlaced", "extended"} for _ in range(2)] == [
            {"bidPlaced"},
            {"extended"},
        ]
        await live.house.bid(item_id, 2_000, by=second)
        bid, answer, extended = [await stream.event() for _ in range(3)]
        assert (bid["bidPlaced"]["userId"], bid["currentHighestBid"]) == (second, "2000")
        assert (answer["bidPlaced"]["userId"], answer["bidPlaced"]["automatic"]) == (first, True)
        assert (extended["highestBidderId"], extended["currentHighestBid"]) == (first, "2100")
        assert extended["endAt"] == extended["extended"]["endAt"] > answer["endAt"]


async def test_a_cancellation_is_sent(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    async with live.watching({item_id: 0}) as stream:
        await stream.next()
        catalogue = PostgresItemCatalogue(live.house.pool)
        await cancel_item(live.house.book, catalogue, item_id, seller_id=SELLER, call=soon())
        assert (await stream.event())["cancelled"] == {}


@ENCODINGS
async def test_no_reserve_and_no_maximum_is_in_any_frame(live: LiveHouse, encoding: str) -> None:
    item_id = await live.house.list_item(reserve_price=777_777, increment=10)
    async with live.watching({item_id: 0}, encoding=encoding) as stream:
        snapshot = await stream.next()
        await live.house.bid(item_id, 1_000, max_amount=555_555)
        told = str([snapshot, await stream.next()])
        assert "777777" not in told
        assert "555555" not in told
        assert "RESERVE_STATE_NOT_MET" in told


async def test_a_compressed_request_is_read(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    message = gzip.compress(request({item_id: 0}, "json"))
    async with live.watching(message, flags=1, connect_content_encoding="gzip") as stream:
        assert (await stream.next())["snapshot"]["id"] == item_id


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({}, "invalid_argument"),
        ({str(uuid4()): 0 for _ in range(101)}, "invalid_argument"),
        ({"not-an-id": 0}, "invalid_argument"),
        ({str(uuid4()): -1}, "invalid_argument"),
        ({str(uuid4()): 0}, "not_found"),
        ({str(uuid4()): 5}, "not_found"),
        (b"{", "invalid_argument"),
        (b"[]", "invalid_argument"),
    ],
    ids=["none", "too many", "bad id", "negative seq", "unknown", "unknown resumed", "truncated", "no object"],
)
async def test_what_can_not_be_watched_ends_the_stream_with_the_reason(
    live: LiveHouse, wanted: dict[str, int] | bytes, code: str
) -> None:
    async with live.watching(wanted) as stream:
        ended = await stream.end()
        assert (stream.status, ended.code) == (200, code)


async def test_an_item_may_not_be_named_twice_in_whatever_case(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    async with live.watching({item_id: 0, item_id.upper(): 0}) as stream:
        assert (await stream.end()).code == "invalid_argument"


async def test_a_known_item_is_not_watched_where_another_is_unknown(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    async with live.watching({item_id: 0, str(uuid4()): 0}) as stream:
        assert (await stream.end()).code == "not_found"
    assert live.feed.item_count == 0


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"connect_timeout_ms": "abc"}, "invalid_argument"),
        ({"connect_timeout_ms": "12345678901"}, "invalid_argument"),
        ({"connect_protocol_version": "2"}, "invalid_argument"),
        ({"connect_content_encoding": "br"}, "unimplemented"),
        ({"connect_timeout_ms": "1"}, "deadline_exceeded"),
    ],
    ids=["no number", "eleven digits", "version", "encoding", "over at once"],
)
async def test_headers_are_kept_to(live: LiveHouse, headers: dict[str, str], code: str) -> None:
    item_id = await live.house.list_item()
    async with live.watching({item_id: 0}, **headers) as stream:
        assert (await stream.end()).code == code


async def test_who_goes_away_is_forgotten_with_their_items(live: LiveHouse) -> None:
    item_id = await live.house.list_item()
    async with live.watching({item_id: 0}) as stream, live.watching({item_id: 0}) as other:
        await stream.next()
        await other.next()
        assert (live.feed.watcher_count, live.feed.item_count) == (2, 1)
        stream.writer.transport.abort()
        await live.until_watched_by(1)
        await live.house.bid(item_id, 3)
        assert await other.seqs(2) == [2]
    await live.until_watched_by(0)
    assert live.feed.item_count == 0


@ENCODINGS
async def test_what_is_resumed_from_the_log_equals_what_was_sent_live(live: LiveHouse, encoding: str) -> None:
    soft = SoftClose(window_seconds=600, extension_seconds=300)
    item_id = await live.house.list_item(
        ends_in=timedelta(seconds=200), soft_close=soft, increment=10, reserve_price=900, buy_now_price=2_000
    )
    bidders = [new_user(), new_user()]
    async with live.watching({item_id: 1}, encoding=encoding) as stream:
        await stream.next()
        for number, amount in enumerate((100, 200, 300)):
            await live.house.bid(item_id, amount, by=bidders[number % 2], max_amount=amount + 95)
        buyer = new_user()
        await buy_now(
            live.house.book,
            PostgresItemCatalogue(live.house.pool),
            item_id,
            buyer,
            idempotency_key="",
            call=soon(),
        )
        last = (await live.house.state(item_id))["seq"]
        told = [await stream.event() for _ in range(2, last + 1)]
    assert {name for event in told for name in event} >= {"bidPlaced", "extended", "closed"}
    assert told[-1]["closed"]["winnerId"] == buyer
    async with live.watching({item_id: 1}, encoding=encoding) as stream:
        assert [await stream.event() for _ in told] == told
