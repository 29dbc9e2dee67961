"""The invariants as constraints of the database: raw SQL that breaks one is refused from every role."""

import re
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from gavel.bids.adapters.postgres.failures import NotStorable
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.changing import cancel_item
from gavel.bids.domain.closing import close_due
from tests.auction_house import SELLER, House, new_user

pytestmark = pytest.mark.integration

RUNBOOK = Path(__file__).parents[3] / "docs" / "RUNBOOK.md"
ANNA, BELA = new_user(), new_user()


@pytest.fixture
async def item_id(house: House) -> ItemId:
    """An item on which Anna bid 100 and Bela leads with 200, with a maximum of 300."""
    item_id = await house.list_item(increment=10, reserve_price=150, buy_now_price=900)
    await house.bid(item_id, 100, by=ANNA)
    await house.bid(item_id, 200, by=BELA, max_amount=300)
    return item_id


async def _refused(house: House, statement: str, *arguments: object) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await house.pool.execute(statement, *arguments)


async def _change(house: House, item_id: ItemId, setting: str) -> None:
    await house.pool.execute(f"UPDATE auctions SET {setting} WHERE item_id = $1", item_id)


BROKEN_STATES = {
    "the price falls": "price = price - 1, revision = revision + 1",
    "the price rises without a bid": "price = price + 1, revision = revision + 1",
    "a bid does not raise the price": "bid_count = bid_count + 1, seq = seq + 1, revision = revision + 1",
    "the bids become fewer": "bid_count = bid_count - 1, revision = revision + 1",
    "seq falls": "seq = seq - 1, revision = revision + 1",
    "a bid is counted without an event": "price = price + 1, bid_count = bid_count + 1, revision = revision + 1",
    "an event is counted without a change": "seq = seq + 1",
    "revision falls": "revision = revision - 1",
    "the leader changes without a bid": "leader_id = seller_id, revision = revision + 1",
    "the seller leads": "leader_id = seller_id, price = 400, leader_maximum = 400, bid_count = bid_count + 1,"
    " seq = seq + 1, last_bid_seq = seq + 1, revision = revision + 1",
    "no leader in spite of bids": "leader_id = NULL, revision = revision + 1",
    "the leader's maximum falls": "leader_maximum = leader_maximum - 1, revision = revision + 1",
    "the leader's maximum rises in silence": "leader_maximum = leader_maximum + 1",
    "the maximum is below the price": "leader_maximum = price - 1, revision = revision + 1",
    "the price is beyond all money": "price = 1000000000000001, leader_maximum = 1000000000000001,"
    " bid_count = bid_count + 1, seq = seq + 1, last_bid_seq = seq + 1, revision = revision + 1",
    "the end moves back": "end_at = end_at - interval '1 second', seq = seq + 1, revision = revision + 1",
    "the end moves without an event": "end_at = end_at + interval '1 second', revision = revision + 1",
    "it is closed before the end": "closed_at = end_at - interval '1 microsecond', seq = seq + 1,"
    " revision = revision + 1",
    "it is closed without an event": "closed_at = end_at, revision = revision + 1",
    "it is cancelled in spite of bids": "cancelled_at = now(), seq = seq + 1, revision = revision + 1",
    "the last bid is not an event yet": "last_bid_seq = seq + 1, revision = revision + 1",
}


@pytest.mark.parametrize("broken", BROKEN_STATES)
async def test_no_state_breaks_an_invariant(house: House, item_id: ItemId, broken: str) -> None:
    await _refused(house, f"UPDATE auctions SET {BROKEN_STATES[broken]} WHERE item_id = $1", item_id)


TERMS = {
    "item_id": "gen_random_uuid()",
    "seller_id": "gen_random_uuid()",
    "currency": "'EUR'",
    "created_at": "created_at - interval '1 second'",
    "start_at": "start_at - interval '1 second'",
    "scheduled_end_at": "scheduled_end_at + interval '1 second'",
    "start_price": "start_price + 1",
    "reserve_price": "0",
    "buy_now_price": "0",
    "soft_close_window_seconds": "1",
    "soft_close_extension_seconds": "1",
    "soft_close_max_extension_seconds": "1",
    "increment_fixed": "1",
    "increment_basis_points": "1",
}


@pytest.mark.parametrize("term", TERMS)
async def test_what_was_agreed_when_an_item_was_listed_stays(house: House, item_id: ItemId, term: str) -> None:
    await _refused(
        house,
        f"UPDATE auctions SET {term} = {TERMS[term]}, revision = revision + 1 WHERE item_id = $1",
        item_id,
    )


async def test_a_legal_change_passes_the_guards(house: House, item_id: ItemId) -> None:
    await _change(house, item_id, "leader_maximum = leader_maximum + 1, revision = revision + 1")
    await _change(house, item_id, "category = 'maps'")
    await _change(house, item_id, "end_at = end_at + interval '1 second', seq = seq + 1, revision = revision + 1")
    await _change(house, item_id, "closed_at = end_at, seq = seq + 1, revision = revision + 1")


@pytest.mark.parametrize("change", ["revision = revision + 1", "closed_at = NULL", "category = 'maps'"])
async def test_a_closed_auction_stays_as_it_is(house: House, item_id: ItemId, change: str) -> None:
    await _change(house, item_id, "closed_at = end_at, seq = seq + 1, revision = revision + 1")
    await _refused(house, f"UPDATE auctions SET {change} WHERE item_id = $1", item_id)


async def test_a_cancelled_auction_stays_as_it_is(house: House) -> None:
    item_id = await house.list_item()
    await house.decide(item_id, lambda auction, at: cancel_item(auction, at, SELLER))
    await _refused(house, "UPDATE auctions SET cancelled_at = NULL WHERE item_id = $1", item_id)


async def test_an_auction_is_never_deleted(house: House, item_id: ItemId) -> None:
    await _refused(house, "DELETE FROM auctions WHERE item_id = $1", item_id)
    await _refused(house, "TRUNCATE auctions CASCADE")


TEXTS = ["title = 'New'", "description = 'New'", "images = '{/b.png}'"]


@pytest.mark.parametrize("text", TEXTS)
async def test_texts_and_images_change_before_the_first_bid_only(house: House, item_id: ItemId, text: str) -> None:
    without_bid, cancelled, closed = [await house.list_item() for _ in range(3)]
    await house.decide(cancelled, lambda auction, at: cancel_item(auction, at, SELLER))
    await house.end_now(closed)
    await house.decide(closed, close_due)
    await house.pool.execute(f"UPDATE listings SET {text} WHERE item_id = $1", without_bid)
    for fixed in (item_id, cancelled, closed):
        await _refused(house, f"UPDATE listings SET {text} WHERE item_id = $1", fixed)


async def test_the_texts_of_an_item_are_never_deleted(house: House, item_id: ItemId) -> None:
    await _refused(house, "DELETE FROM listings WHERE item_id = $1", item_id)
    await _refused(house, "TRUNCATE listings")


async def test_an_auction_starts_once(house: House, item_id: ItemId) -> None:
    await _refused(house, "UPDATE auctions SET started = false WHERE item_id = $1", item_id)


@pytest.mark.parametrize("table", ["bids", "item_events", "maximum_raises"])
async def test_the_log_is_append_only(house: House, item_id: ItemId, table: str) -> None:
    await _refused(house, f"UPDATE {table} SET created_at = created_at WHERE item_id = $1", item_id)
    await _refused(house, f"DELETE FROM {table} WHERE item_id = $1", item_id)
    await _refused(house, f"TRUNCATE {table}")


@pytest.mark.parametrize("table", ["bid_keys", "item_keys"])
async def test_idempotency_keys_are_never_changed(house: House, table: str) -> None:
    await _refused(house, f"UPDATE {table} SET created_at = created_at")
    await _refused(house, f"TRUNCATE {table}")


async def _insert_bid(house: House, like: ItemId, **columns: object) -> None:
    """A bid row like Bela's, with other columns."""
    row = await house.pool.fetchrow("SELECT * FROM bids WHERE item_id = $1 AND seq = 3", like)
    assert row is not None
    values = {**dict(row), "seq": 4, "amount": 400, "maximum": 500, "bid_count": 3, "minimum_next_bid": 410, **columns}
    names = ", ".join(values)
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await house.pool.execute(f"INSERT INTO bids ({names}) VALUES ({places})", *values.values())


BROKEN_BIDS: dict[str, dict[str, object]] = {
    "two bids have one seq": {"seq": 3},
    "there is a gap in seq": {"seq": 5},
    "a bid comes before the listing": {"seq": 1, "bid_count": 0},
    "a bid is as high as the one before": {"amount": 200},
    "an automatic bid is below the one before": {"amount": 199, "automatic": True},
    "a bid of nothing": {"amount": 0},
    "a bid beyond all money": {"amount": 10**15 + 1, "maximum": 10**15 + 2, "minimum_next_bid": 10**15 + 3},
    "the maximum is below the amount": {"maximum": 399},
    "the next bid may be as low": {"minimum_next_bid": 400},
    "bidders outbid themselves": {"outbid_user_id": BELA},
    "more bids than events": {"bid_count": 4},
    "the item was never listed": {"item_id": new_user()},
}


@pytest.mark.parametrize("broken", BROKEN_BIDS)
async def test_no_bid_row_breaks_an_invariant(house: House, item_id: ItemId, broken: str) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await _insert_bid(house, item_id, **BROKEN_BIDS[broken])


async def test_an_automatic_bid_may_equal_the_one_that_it_beats(house: House, item_id: ItemId) -> None:
    await _insert_bid(house, item_id, amount=200, automatic=True)


async def test_no_bid_is_accepted_at_the_end_in_force(house: House, item_id: ItemId) -> None:
    end_at = (await house.state(item_id))["end_at"]
    with pytest.raises(asyncpg.CheckViolationError):
        await _insert_bid(house, item_id, created_at=end_at)
    await _insert_bid(house, item_id, created_at=end_at - timedelta(microseconds=1))


async def _insert_event(house: House, item_id: ItemId, kind: str, seq: int) -> None:
    await house.pool.execute(
        "INSERT INTO item_events (item_id, seq, kind, created_at, price, bid_count, minimum_next_bid, end_at, title)"
        " SELECT item_id, $3, $2, end_at, 0, 0, 1, end_at, CASE $2 WHEN 'listed' THEN 'again' END"
        " FROM auctions WHERE item_id = $1",
        item_id,
        kind,
        seq,
    )


@pytest.mark.parametrize(
    ("kind", "seq"), [("listed", 1), ("listed", 4), ("extended", 3), ("extended", 5), ("moved", 4)]
)
async def test_no_event_breaks_an_invariant(house: House, item_id: ItemId, kind: str, seq: int) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await _insert_event(house, item_id, kind, seq)


async def test_no_bid_takes_the_seq_of_another_event(house: House, item_id: ItemId) -> None:
    await _insert_event(house, item_id, "extended", 4)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await _insert_bid(house, item_id)


async def test_an_auction_is_over_once(house: House, item_id: ItemId) -> None:
    await house.end_now(item_id)
    answer = await house.decide(item_id, close_due)
    for kind in ("closed", "cancelled", "extended"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await _insert_event(house, item_id, kind, answer.auction.seq + 1)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await _insert_bid(house, item_id, seq=answer.auction.seq + 1)


async def test_a_bid_row_without_a_decision_stops_its_own_item_and_no_other(house: House, item_id: ItemId) -> None:
    other = await house.list_item()
    await _insert_bid(house, item_id)
    with pytest.raises(NotStorable):
        await house.bid(item_id, 500)
    await house.bid(other, 500)
    assert (await house.state(item_id))["price"] == 200
    # And it is found as the RUNBOOK says.
    [query] = re.findall(r"`(SELECT a\.item_id, a\.seq, [^`]*)`", RUNBOOK.read_text("utf-8"))
    found = {str(row["item_id"]) for row in await house.pool.fetch(query)}
    assert found & {item_id, other} == {item_id}


async def test_a_key_stands_for_one_request(house: House) -> None:
    item_id = await house.list_item()
    await house.bid(item_id, 5, by=ANNA, key="k")
    with pytest.raises(asyncpg.UniqueViolationError):
        await house.pool.execute(
            "INSERT INTO bid_keys (item_id, user_id, key, request, bid_seq, created_at)"
            " SELECT item_id, user_id, key, 'another', bid_seq, created_at FROM bid_keys WHERE item_id = $1",
            item_id,
        )
