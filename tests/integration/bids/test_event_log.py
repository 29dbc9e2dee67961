"""The log: complete enough to make every event again as it was, byte for byte."""

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from gavel.bids.adapters.postgres.outbox.event_codec import RecordedEvent, outbox_messages
from gavel.bids.adapters.postgres.rows import bid_of, terms_of
from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.changing import cancel_item, update_item
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.events import AuctionCancelled, AuctionClosed, AuctionExtended, BidPlaced, Event, ItemListed
from gavel.bids.domain.texts import ListingChanges
from gavel.contracts.events.v1.auction_events_pb import Event as EventMessage
from gavel.contracts.events.v1.auction_events_pb import EventBatch
from tests.auction_house import SELLER, House, new_user, soon

pytestmark = pytest.mark.integration

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def _rarer_event(row: asyncpg.Record) -> Event:
    item_id, seq, at = ItemId(str(row["item_id"])), row["seq"], row["created_at"]
    match row["kind"]:
        case "listed":
            return ItemListed(item_id, seq, at, row["title"])
        case "extended":
            return AuctionExtended(item_id, seq, at, row["end_at"])
        case "cancelled":
            return AuctionCancelled(item_id, seq, at)
        case _:
            winner = UserId(str(row["leader_id"])) if row["sold"] else None
            return AuctionClosed(item_id, seq, at, row["sold"], winner, row["price"] if row["sold"] else 0)


async def _rebuilt(house: House, item_id: ItemId) -> list[EventMessage]:
    """The item's events, from nothing but its auction and its log."""
    auction = await house.pool.fetchrow("SELECT * FROM auctions WHERE item_id = $1", item_id)
    assert auction is not None
    bids = await house.pool.fetch("SELECT * FROM bids WHERE item_id = $1", item_id)
    rarer = await house.pool.fetch("SELECT * FROM item_events WHERE item_id = $1", item_id)
    events: list[tuple[Event, str]] = [(bid_of(row), row["traceparent"] or "") for row in bids]
    events += [(_rarer_event(row), row["traceparent"] or "") for row in rarer]
    events.sort(key=lambda each: each[0].seq)
    recorded = [RecordedEvent(event, terms_of(auction), traceparent) for event, traceparent in events]
    return [message for each in recorded for message in EventBatch.from_binary(outbox_messages([each])[0].body).events]


async def _published(house: House, item_id: ItemId) -> list[EventMessage]:
    """The item's events as they are owed to the broker."""
    bodies = await house.pool.fetch("SELECT body FROM outbox")
    events = [event for row in bodies for event in EventBatch.from_binary(row["body"]).events]
    return sorted((event for event in events if event.item_id == item_id), key=lambda event: event.seq)


async def _assert_log_tells_all(house: House, item_id: ItemId, kinds: list[type[Event]]) -> None:
    published, rebuilt = await _published(house, item_id), await _rebuilt(house, item_id)
    assert len(rebuilt) == len(kinds)
    assert [event.seq for event in rebuilt] == list(range(1, len(kinds) + 1))
    assert [event.to_binary() for event in rebuilt] == [event.to_binary() for event in published]


async def test_bids_by_hand_and_automatic_ones(house: House) -> None:
    item_id = await house.list_item(increment=100, start_price=1_000, reserve_price=3_000, title="A globe")
    anna, bela = new_user(), new_user()
    await house.bid(item_id, 1_000, by=anna, max_amount=5_000, call=soon(traceparent=TRACE))
    await house.bid(item_id, 4_000, by=bela)
    await house.bid(item_id, 5_000, by=bela, max_amount=6_000)
    await _assert_log_tells_all(house, item_id, [ItemListed, *[BidPlaced] * 7])


async def test_an_extension(house: House) -> None:
    item_id = await house.list_item(ends_in=timedelta(seconds=30))
    await house.bid(item_id, 5)
    await _assert_log_tells_all(house, item_id, [ItemListed, BidPlaced, AuctionExtended])


async def test_a_title_that_was_changed_since(house: House) -> None:
    item_id = await house.list_item(title="Old")
    await house.decide(item_id, lambda auction, at: update_item(auction, at, SELLER, ListingChanges(title="New")))
    await _assert_log_tells_all(house, item_id, [ItemListed])
    [listed] = await _rebuilt(house, item_id)
    assert listed.fact is not None
    assert listed.fact.value.title == "Old"  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


async def test_a_cancelled_item(house: House) -> None:
    item_id = await house.list_item()
    await house.decide(item_id, lambda auction, at: cancel_item(auction, at, SELLER))
    await _assert_log_tells_all(house, item_id, [ItemListed, AuctionCancelled])


async def test_a_buy_now(house: House) -> None:
    item_id, buyer = await house.list_item(buy_now_price=700), new_user()
    await house.decide(item_id, lambda auction, at: buy_now(auction, at, buyer))
    await _assert_log_tells_all(house, item_id, [ItemListed, BidPlaced, AuctionClosed])


@pytest.mark.parametrize("reserve_price", [0, 500])
async def test_a_close_that_sells_and_one_that_does_not(house: House, reserve_price: int) -> None:
    item_id = await house.list_item(reserve_price=reserve_price)
    await house.bid(item_id, 5)
    await house.end_now(item_id)
    await house.decide(item_id, close_due)
    await _assert_log_tells_all(house, item_id, [ItemListed, BidPlaced, AuctionClosed])


async def test_the_state_after_each_event_stands_beside_it(house: House) -> None:
    item_id, anna, bela = await house.list_item(ends_in=timedelta(seconds=30), increment=10), new_user(), new_user()
    await house.bid(item_id, 100, by=anna, max_amount=300)
    answer = await house.bid(item_id, 200, by=bela)
    bids = await house.pool.fetch("SELECT * FROM bids WHERE item_id = $1 ORDER BY seq", item_id)
    assert [(row["seq"], row["amount"], row["bid_count"], row["minimum_next_bid"]) for row in bids] == [
        (2, 100, 1, 110),
        (4, 200, 2, 210),
        (5, 210, 3, 220),
    ]
    extended = await house.pool.fetch("SELECT * FROM item_events WHERE item_id = $1 AND seq > 1 ORDER BY seq", item_id)
    told = [(row["seq"], row["price"], row["leader_id"], row["bid_count"], row["minimum_next_bid"]) for row in extended]
    assert told == [(3, 100, UUID(anna), 1, 110), (6, 210, UUID(anna), 3, 220)]
    assert extended[1]["end_at"] == answer.auction.end_at
