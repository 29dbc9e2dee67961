"""What the book on Postgres stores of a decision: state, bids, log, keys and what is owed, together or not at all."""

import asyncio
from datetime import timedelta
from functools import partial

import asyncpg
import pytest

from gavel.bids.domain.bidding import new_bid, place_bid
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.changing import cancel_item, update_item
from gavel.bids.domain.decision import RetryKey
from gavel.bids.domain.refusals import BidRefusal, BidRefused, InvalidInput
from gavel.bids.domain.texts import ListingChanges
from tests.auction_house import SELLER, House, new_user, soon, unchanged

pytestmark = pytest.mark.integration

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_an_item_is_stored_with_its_texts_its_first_event_and_a_row_owed(house: House) -> None:
    item_id = await house.list_item(title="A globe", reserve_price=900, start_price=100)
    state = await house.state(item_id)
    assert (state["seq"], state["revision"], state["price"], state["reserve_price"]) == (1, 1, 0, 900)
    assert await house.pool.fetchval("SELECT title FROM listings WHERE item_id = $1", item_id) == "A globe"
    logged = await house.pool.fetchrow("SELECT * FROM item_events WHERE item_id = $1", item_id)
    assert logged is not None
    assert (logged["kind"], logged["seq"], logged["title"]) == ("listed", 1, "A globe")
    owed = await house.pool.fetchrow("SELECT routing_key, event_count FROM outbox ORDER BY id DESC LIMIT 1")
    assert owed is not None
    assert tuple(owed) == ("item.listed", 1)


async def test_an_item_that_may_not_be_listed_leaves_no_trace(new_house: House) -> None:
    with pytest.raises(InvalidInput):
        await new_house.list_item(ends_in=timedelta(hours=-1))
    for table in ("auctions", "listings", "item_events", "outbox"):
        assert await new_house.pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_a_bid_is_answered_with_itself_and_the_state_that_it_made(house: House) -> None:
    item_id, user = await house.list_item(increment=10), new_user()
    answer = await house.bid(item_id, 500, by=user)
    assert answer.bid is not None
    assert (answer.bid.user_id, answer.bid.amount, answer.bid.seq, answer.replayed) == (user, 500, 2, False)
    assert (answer.auction.price, answer.auction.minimum_next_bid, answer.auction.leader_id) == (500, 510, user)
    state = await house.state(item_id)
    assert (state["price"], str(state["leader_id"]), state["seq"], state["bid_count"]) == (500, user, 2, 1)
    assert state["updated_at"] == answer.at
    assert await house.bids(item_id) == [(2, 500)]


async def test_a_refused_bid_has_no_effect(house: House) -> None:
    item_id = await house.list_item(increment=10)
    await house.bid(item_id, 500)
    before, owed = await house.state(item_id), await house.owed_events()
    with pytest.raises(BidRefused) as refused:
        await house.bid(item_id, 509, key="has a key, so that it is decided under the lock")
    assert (refused.value.reason, refused.value.minimum_next_bid) == (BidRefusal.TOO_LOW, 510)
    assert await house.state(item_id) == before
    assert await house.amounts(item_id) == [500]
    assert await house.owed_events() == owed
    assert not await house.pool.fetchval("SELECT EXISTS (SELECT FROM bid_keys WHERE item_id = $1)", item_id)


async def test_a_decision_gets_the_clock_of_the_database(house: House) -> None:
    item_id = await house.list_item()
    before = await house.pool.fetchval("SELECT clock_timestamp()")
    answer = await house.decide(item_id, unchanged)
    assert before <= answer.at <= await house.pool.fetchval("SELECT clock_timestamp()")


async def test_a_raised_maximum_is_stored_without_an_event_and_answered_with_the_standing_bid(house: House) -> None:
    item_id, leader = await house.list_item(), new_user()
    await house.bid(item_id, 100, by=leader, max_amount=200)
    owed = await house.owed_events()
    answer = await house.bid(item_id, 100, by=leader, max_amount=900)
    assert answer.bid is not None
    assert (answer.bid.seq, answer.bid.amount, answer.auction.price) == (2, 100, 100)
    state = await house.state(item_id)
    assert (state["leader_maximum"], state["seq"], state["revision"]) == (900, 2, 3)
    assert await house.owed_events() == owed
    raises = await house.pool.fetch("SELECT revision, maximum FROM maximum_raises WHERE item_id = $1", item_id)
    assert [tuple(row) for row in raises] == [(3, 900)]


async def test_a_bid_and_its_raise_in_one_batch_are_both_answered(house: House) -> None:
    item_id, leader = await house.list_item(), new_user()
    async with house.lock_held(item_id) as release:
        first = asyncio.create_task(house.decide(item_id, unchanged))
        await house.until_lane_waits()
        bid, raised = (
            asyncio.create_task(house.bid(item_id, 100, by=leader)),
            asyncio.create_task(house.bid(item_id, 100, by=leader, max_amount=700)),
        )
        await release()
    await first
    assert (await bid).bid == (await raised).bid
    assert (await house.state(item_id))["leader_maximum"] == 700


async def test_proxy_bids_of_one_decision_are_stored_together(house: House) -> None:
    item_id = await house.list_item(increment=100, start_price=1_000)
    anna, bela = new_user(), new_user()
    await house.bid(item_id, 1_000, by=anna, max_amount=5_000)
    answer = await house.bid(item_id, 2_000, by=bela)
    assert answer.auction.leader_id == anna
    assert await house.bids(item_id) == [(2, 1_000), (3, 2_000), (4, 2_100)]
    assert (await house.state(item_id))["seq"] == 4


async def test_a_cancelled_item_has_the_status_cancelled_and_takes_no_bid(house: House) -> None:
    item_id = await house.list_item()
    answer = await house.decide(item_id, lambda auction, at: cancel_item(auction, at, SELLER))
    assert answer.bid is None
    assert (await house.state(item_id))["cancelled_at"] == answer.at
    with pytest.raises(BidRefused) as refused:
        await house.bid(item_id, 1)
    assert refused.value.reason is BidRefusal.CANCELLED
    kinds = await house.pool.fetch("SELECT kind FROM item_events WHERE item_id = $1 ORDER BY seq", item_id)
    assert [row["kind"] for row in kinds] == ["listed", "cancelled"]


async def test_buy_now_stores_the_bid_and_the_close_and_answers_with_the_bid(house: House) -> None:
    item_id, buyer = await house.list_item(buy_now_price=700), new_user()
    answer = await house.decide(item_id, lambda auction, at: buy_now(auction, at, buyer))
    assert answer.bid is not None
    assert (answer.bid.amount, answer.bid.seq) == (700, 2)
    closed = await house.pool.fetchrow("SELECT * FROM item_events WHERE item_id = $1 AND kind = 'closed'", item_id)
    assert closed is not None
    assert (closed["seq"], closed["sold"], str(closed["leader_id"]), closed["price"]) == (3, True, buyer, 700)


async def test_changed_texts_are_stored_with_the_decision(house: House) -> None:
    item_id = await house.list_item(title="Old", category="globes")
    owed = await house.owed_events()
    changes = ListingChanges(title="New", images=("/a.png",), category="maps")
    await house.decide(item_id, lambda auction, at: update_item(auction, at, SELLER, changes))
    row = await house.pool.fetchrow("SELECT * FROM items WHERE item_id = $1", item_id)
    assert row is not None
    assert (row["title"], row["description"], row["images"], row["category"]) == ("New", "", ["/a.png"], "maps")
    logged = await house.pool.fetch(
        "SELECT what, actor_id FROM audit_log WHERE item_id = $1 ORDER BY created_at", item_id
    )
    assert [(each["what"], str(each["actor_id"])) for each in logged] == [("listed", SELLER), ("texts changed", SELLER)]
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await house.pool.execute("DELETE FROM listing_changes")
    assert (row["seq"], row["revision"]) == (1, 2)
    assert await house.owed_events() == owed
    assert await house.pool.fetchval("SELECT title FROM item_events WHERE item_id = $1", item_id) == "Old"


async def test_the_texts_that_a_batch_changes_are_one_statement_and_each_change_is_in_the_log(house: House) -> None:
    one, two, three = [await house.list_item(title="Old", category="globes") for _ in range(3)]
    statements: list[str] = []
    [lane] = house.lane_connections
    lane.add_query_logger(lambda logged: statements.append(logged.query))
    changes = (
        (one, ListingChanges(title="New", description="Worn")),
        (two, ListingChanges(category="maps")),
        (one, ListingChanges(title="Newer", images=("/a.png", "/b.png"))),
        (three, ListingChanges(images=("/c.png",))),
        (one, ListingChanges(images=(), category="atlases")),
    )
    # All are submitted in one turn of the event loop, and so are one batch.
    decides = [partial(update_item, seller_id=SELLER, changes=each) for _, each in changes]
    await asyncio.gather(*(house.decide(changes[place][0], decide) for place, decide in enumerate(decides)))
    assert sum("listing_changes" in statement for statement in statements) == 1
    rows = await house.pool.fetch("SELECT item_id::text, title, description, images, category FROM items")
    texts = {row["item_id"]: tuple(row)[1:] for row in rows}
    assert texts[one] == ("Newer", "Worn", [], "atlases")
    assert texts[two] == ("Old", "", [], "maps")
    assert texts[three] == ("Old", "", ["/c.png"], "globes")
    logged = await house.pool.fetch(
        "SELECT title, images FROM listing_changes WHERE item_id = $1 ORDER BY revision", one
    )
    assert [tuple(row) for row in logged] == [("New", None), ("Newer", ["/a.png", "/b.png"]), (None, [])]


async def test_the_trace_of_the_request_is_stored_with_the_log(house: House) -> None:
    item_id = await house.list_item()
    await house.bid(item_id, 1, call=soon(traceparent=TRACE))
    await house.bid(item_id, 2)
    rows = await house.pool.fetch("SELECT traceparent FROM bids WHERE item_id = $1 ORDER BY seq", item_id)
    assert [row["traceparent"] for row in rows] == [TRACE, None]


async def test_a_key_is_stored_in_the_transaction_of_its_bid(house: House) -> None:
    item_id, user = await house.list_item(), new_user()
    bid = new_bid(user, 5, 0)
    key = RetryKey(user, "k", "five")
    await house.book.update(item_id, lambda auction, at: place_bid(auction, at, bid), call=soon(), key=key)
    [row] = await house.pool.fetch("SELECT key, request, bid_seq FROM bid_keys WHERE item_id = $1", item_id)
    assert tuple(row) == ("k", "five", 2)
