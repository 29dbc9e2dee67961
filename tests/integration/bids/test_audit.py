"""The chain over each item's log: what Gavel writes holds, and what anyone else writes shows."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import aclosing, suppress
from datetime import timedelta

import pytest

from gavel.bids.adapters.postgres.audit import audit_log as postgres_audit_log
from gavel.bids.adapters.postgres.audit.audit_log import read_heads
from gavel.bids.adapters.postgres.audit.check import Anchor
from gavel.bids.adapters.postgres.writing.audit_chain import chained, row_text
from gavel.bids.domain.auction import ItemId, SoftClose
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.changing import cancel_item, update_item
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.refusals import Refusal
from gavel.bids.domain.texts import listing_changes
from gavel.runtime.postgres import connections as postgres
from tests.auction_house import SELLER, House, new_user, open_house, soon
from tests.audited_log import checked, found, tamper

pytestmark = pytest.mark.integration

ANNA, BELA = new_user(), new_user()


@pytest.fixture
async def item_id(house: House) -> ItemId:
    """Listed (seq 1), texts changed, bids of seq 2 to 5, a raised maximum, bids of seq 6 and 7: Bela leads."""
    item_id = await house.list_item(increment=10, reserve_price=150)
    changes = listing_changes(title='"A", title\n—', images=["a.png"])
    await house.decide(item_id, lambda auction, at: update_item(auction, at, SELLER, changes))
    await house.bid(item_id, 100, by=ANNA)
    await house.bid(item_id, 200, by=BELA, max_amount=300)
    await house.bid(item_id, 250, by=ANNA)
    await house.bid(item_id, 260, by=BELA, max_amount=900)
    await house.bid(item_id, 500, by=ANNA)
    assert await found(house, item_id) == []
    return item_id


FIRST_ROW_CHANGED = "item_events, seq 1: does not follow from the item's terms: it or they were changed"
CHANGED = "does not follow from the row before it: changed, or a change between is missing"

CHANGES = {
    "an amount": ("bids SET amount = amount - 1", "bids, seq 3"),
    "a maximum": ("bids SET maximum = maximum + 1", "bids, seq 3"),
    "a bidder": ("bids SET user_id = gen_random_uuid()", "bids, seq 3"),
    "a time": ("bids SET created_at = created_at - interval '1 microsecond'", "bids, seq 3"),
    "who bids": ("bids SET automatic = NOT automatic", "bids, seq 3"),
    "who was outbid": ("bids SET outbid_user_id = NULL", "bids, seq 3"),
    "the least bid": ("bids SET minimum_next_bid = minimum_next_bid + 1", "bids, seq 3"),
    "the end in force": ("bids SET end_at = end_at + interval '1 microsecond'", "bids, seq 3"),
    "the request": ("bids SET traceparent = ''", "bids, seq 3"),
    "the digest": ("bids SET digest = sha256(digest)", "bids, seq 3"),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_changed_bid_shows(house: House, item_id: ItemId, what: str) -> None:
    change, place = CHANGES[what]
    await tamper(house, f"UPDATE {change} WHERE item_id = '{item_id}' AND seq = 3")
    findings = await found(house, item_id)
    assert findings[0] == f"{place}: {CHANGED}"
    assert len(findings) == (2 if what == "the digest" else 1), findings


async def test_a_changed_raise_shows(house: House, item_id: ItemId) -> None:
    raised = await house.pool.fetchrow("SELECT * FROM maximum_raises WHERE item_id = $1", item_id)
    assert raised is not None
    await tamper(house, f"UPDATE maximum_raises SET maximum = maximum + 1 WHERE item_id = '{item_id}'")
    assert await found(house, item_id) == [f"maximum_raises, revision {raised['revision']}: {CHANGED}"]


async def test_a_raise_that_is_taken_out_shows_at_the_next_row(house: House, item_id: ItemId) -> None:
    await tamper(house, f"DELETE FROM maximum_raises WHERE item_id = '{item_id}'")
    assert await found(house, item_id) == [f"bids, seq 6: {CHANGED}"]


async def test_changed_texts_that_are_changed_show(house: House, item_id: ItemId) -> None:
    await tamper(house, f"UPDATE listing_changes SET title = 'Another' WHERE item_id = '{item_id}'")
    assert await found(house, item_id) == [
        f"listing_changes, revision 2: {CHANGED}",
        "listings: differs from the log: title",
    ]


async def test_a_changed_title_of_the_listing_shows(house: House, item_id: ItemId) -> None:
    await tamper(house, f"UPDATE item_events SET title = 'Another' WHERE item_id = '{item_id}'")
    assert await found(house, item_id) == [FIRST_ROW_CHANGED]


async def test_changed_terms_show_a_hidden_reserve_too(house: House, item_id: ItemId) -> None:
    await tamper(house, f"UPDATE auctions SET reserve_price = 10000 WHERE item_id = '{item_id}'")
    assert await found(house, item_id) == [FIRST_ROW_CHANGED]


async def test_a_bid_that_is_taken_out_shows(house: House, item_id: ItemId) -> None:
    await tamper(house, f"DELETE FROM bids WHERE item_id = '{item_id}' AND seq = 3")
    assert await found(house, item_id) == ["seq 3: missing"]


async def test_a_last_bid_that_is_taken_out_shows(house: House, item_id: ItemId) -> None:
    last = (await house.state(item_id))["seq"]
    await tamper(house, f"DELETE FROM bids WHERE item_id = '{item_id}' AND seq = {last}")
    assert await found(house, item_id) == [f"seq {last}: missing, at the end of the log"]


async def test_a_last_bid_that_is_taken_out_with_the_state_shows(house: House, item_id: ItemId) -> None:
    last = (await house.state(item_id))["seq"]
    await tamper(
        house,
        f"DELETE FROM bids WHERE item_id = '{item_id}' AND seq = {last}",
        f"UPDATE auctions SET seq = seq - 1, last_bid_seq = last_bid_seq - 1, bid_count = bid_count - 1"
        f" WHERE item_id = '{item_id}'",
    )
    findings = await found(house, item_id)
    assert findings[0] == "auctions: the log does not end with the auction's digest: rows at its end are missing or new"


async def test_two_bids_that_change_places_show(house: House, item_id: ItemId) -> None:
    columns = "user_id, amount, maximum, created_at, outbid_user_id, minimum_next_bid, digest"
    await tamper(
        house,
        f"UPDATE bids AS b SET ({columns}) = (SELECT {columns} FROM bids WHERE item_id = b.item_id AND seq = 5 - b.seq)"
        f" WHERE item_id = '{item_id}' AND seq IN (2, 3)",
    )
    findings = await found(house, item_id)
    assert findings[:2] == [
        f"bids, seq 2: {CHANGED}",
        "bids, seq 3: out of order: it is older than the row before it, and does not follow from it",
    ]


async def test_a_bid_that_is_put_in_without_a_digest_shows(house: House, item_id: ItemId) -> None:
    await tamper(house, f"UPDATE bids SET digest = NULL WHERE item_id = '{item_id}' AND seq = 3")
    findings = await found(house, item_id)
    assert findings[0] == "bids, seq 3: has no digest, and is younger than rows that have"


async def test_a_log_that_loses_all_its_digests_shows(house: House, item_id: ItemId) -> None:
    await tamper(
        house,
        *(
            f"UPDATE {table} SET digest = NULL{', seq = NULL' * (table in ('maximum_raises', 'listing_changes'))}"
            f" WHERE item_id = '{item_id}'"
            for table in ("bids", "item_events", "maximum_raises", "listing_changes", "auctions")
        ),
    )
    [check] = await checked(house, item_id, item_id)
    assert (check.covered, check.uncovered) == (0, 0)
    assert check.wrong > 0


STATES = {
    "price": "price = price + 1, leader_maximum = leader_maximum + 1",
    "leader_id": "leader_id = gen_random_uuid()",
    "leader_maximum": "leader_maximum = leader_maximum + 1",
    "end_at": "end_at = end_at + interval '1 second'",
    "closed_at": "closed_at = end_at",
}


@pytest.mark.parametrize("column", STATES)
async def test_a_state_without_a_decision_is_found(house: House, item_id: ItemId, column: str) -> None:
    await tamper(house, f"UPDATE auctions SET {STATES[column]} WHERE item_id = '{item_id}'")
    [finding] = await found(house, item_id)
    assert finding.startswith("auctions: differs from the log: ")
    assert column in finding


async def test_a_log_without_its_auction_shows(house: House, item_id: ItemId) -> None:
    await tamper(
        house,
        f"DELETE FROM listings WHERE item_id = '{item_id}'",
        f"DELETE FROM auctions WHERE item_id = '{item_id}'",
    )
    assert await found(house, item_id) == ["auctions: no auction has these rows"]


async def test_an_auction_without_its_log_shows(house: House, item_id: ItemId) -> None:
    last = (await house.state(item_id))["seq"]
    tables = ("bids", "item_events", "maximum_raises", "listing_changes")
    await tamper(house, *(f"DELETE FROM {table} WHERE item_id = '{item_id}'" for table in tables))
    assert await found(house, item_id) == [f"seq 1 to {last}: missing, at the end of the log"]


async def _head(house: House, item_id: ItemId) -> Anchor:
    connection = await postgres.connect(house.url, "tests")
    try:
        async with aclosing(read_heads(connection)) as heads:
            return {known: head async for known, head in heads}[item_id]
    finally:
        await connection.close()


async def _forge(house: House, item_id: ItemId, seq: int, change: str) -> None:
    """Change a bid and write its digest and all later ones anew, as an attacker who has read the code would."""
    await tamper(house, f"UPDATE bids SET {change} WHERE item_id = '{item_id}' AND seq = {seq}")
    rows = await house.pool.fetch(
        "SELECT item_id::text, seq, user_id::text, amount, maximum, automatic, created_at, outbid_user_id::text,"
        " bid_count, minimum_next_bid, end_at, traceparent FROM bids WHERE item_id = $1 AND seq >= $2 ORDER BY seq",
        item_id,
        seq,
    )
    digest = await house.pool.fetchval("SELECT digest FROM bids WHERE item_id = $1 AND seq = $2", item_id, seq - 1)
    for row in rows:
        digest = chained(digest, row_text("bids", *row))
        anew = f"SET digest = '\\x{digest.hex()}' WHERE item_id = '{item_id}'"
        await tamper(house, f"UPDATE bids {anew} AND seq = {row['seq']}", f"UPDATE auctions {anew}")


async def test_a_log_that_was_written_anew_shows_by_a_head_that_was_kept_elsewhere(house: House) -> None:
    item_id = await house.list_item()
    await house.bid(item_id, 100, by=ANNA)
    early = await _head(house, item_id)
    await house.bid(item_id, 200, by=BELA)
    await house.bid(item_id, 300, by=ANNA)
    late = await _head(house, item_id)
    await house.bid(item_id, 400, by=BELA)
    for anchor in (None, early, late):
        assert await found(house, item_id, anchor) == []
    await _forge(house, item_id, 3, "amount = 150")
    assert await found(house, item_id) == [], "the chain alone can't tell a forger who has all of it"
    assert await found(house, item_id, early) == []
    assert await found(house, item_id, late) == ["seq 4, revision 4: the log up to here differs from the noted head"]


async def test_a_log_that_was_cut_shows_by_a_head_that_was_kept_elsewhere(house: House) -> None:
    item_id = await house.list_item()
    await house.bid(item_id, 100, by=ANNA)
    before = await house.state(item_id)
    await house.bid(item_id, 200, by=BELA)
    head = await _head(house, item_id)
    await tamper(
        house,
        f"DELETE FROM bids WHERE item_id = '{item_id}' AND seq = 3",
        "UPDATE auctions SET seq = 2, revision = 2, price = 100, leader_maximum = 100, bid_count = 1, last_bid_seq = 2,"
        f" leader_id = '{before['leader_id']}', digest = '\\x{before['digest'].hex()}' WHERE item_id = '{item_id}'",
    )
    assert await found(house, item_id) == []
    assert await found(house, item_id, head) == ["seq 3, revision 3: the log up to here differs from the noted head"]


async def test_a_head_of_a_raised_maximum_is_known_by_its_revision(house: House) -> None:
    item_id = await house.list_item()
    await house.bid(item_id, 100, by=ANNA)
    await house.bid(item_id, 110, by=ANNA, max_amount=500)
    head = await _head(house, item_id)
    assert head[:2] == (2, 3)
    await house.bid(item_id, 120, by=ANNA, max_amount=600)
    assert await found(house, item_id, head) == []
    await tamper(house, f"UPDATE maximum_raises SET maximum = 501 WHERE item_id = '{item_id}' AND revision = 3")
    assert await found(house, item_id, head) == [f"maximum_raises, revision 3: {CHANGED}"]


async def test_rows_of_before_there_was_a_chain_are_counted_and_those_after_are_covered(new_house: House) -> None:
    house = new_house
    item_id = await house.list_item()
    await house.bid(item_id, 100, by=ANNA, max_amount=500)
    await house.bid(item_id, 110, by=ANNA, max_amount=600)
    await tamper(
        house,
        "UPDATE bids SET digest = NULL",
        "UPDATE item_events SET digest = NULL",
        "UPDATE auctions SET digest = NULL",
        "UPDATE maximum_raises SET digest = NULL, seq = NULL",
        "UPDATE schema_migrations SET applied_at = clock_timestamp()",
    )
    [check] = await checked(house)
    assert (check.covered, check.uncovered, check.findings) == (0, 3, [])
    await house.bid(item_id, 550, by=BELA, max_amount=700)
    [check] = await checked(house)
    assert (check.covered, check.uncovered, check.findings) == (3, 3, [])
    await tamper(house, "UPDATE bids SET maximum = maximum + 1 WHERE seq = 3")
    expected = "bids, seq 3: does not follow from the item's terms: it or they were changed"
    assert (await found(house, item_id))[0] == expected


async def _live(houses: Sequence[House], items: Sequence[ItemId], seed: int) -> None:
    """Bid, raise, buy and change texts, here and there; refusals are part of it."""
    dice, me = random.Random(seed), new_user()
    for step in range(30):
        house, item_id = dice.choice(houses), dice.choice(items)
        amount = (await house.state(item_id))["price"] + dice.randint(1, 400)
        changes = listing_changes(description=f"\u2028 {seed}\t{step}", category="maps")
        with suppress(Refusal):
            match dice.randint(0, 39):
                case 0:
                    await house.decide(item_id, lambda auction, at: buy_now(auction, at, me))
                case 1 | 2:
                    await house.decide(item_id, lambda auction, at, c=changes: update_item(auction, at, SELLER, c))
                case _:
                    await house.bid(item_id, amount, by=me, max_amount=amount + dice.choice((0, 0, 900)), key=f"{step}")
                    await house.bid(item_id, amount, by=me, max_amount=amount + 1_000)


async def test_what_two_processes_write_of_busy_auctions_is_one_chain_for_each(
    new_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft_close = SoftClose(window_seconds=3600, extension_seconds=3600, max_extension_seconds=86_400)
    items = [
        await new_house.list_item(
            ends_in=timedelta(minutes=1 + number),
            increment=5,
            start_price=10,
            reserve_price=dice,
            buy_now_price=90_000 * (number % 2),
            soft_close=soft_close if number % 3 else None,
            title=f"{number} \U0001f389 \x1f",
            call=soon(traceparent=f"00-{number + 1:032x}-{1:016x}-01"),
        )
        for number, dice in enumerate((0, 2_000, 0, 500, 0, 0, 3_000))
    ]
    unwanted = await new_house.list_item()
    async with open_house(new_house.url) as other:
        await asyncio.gather(*(_live((new_house, other), items, seed) for seed in range(12)))
        await other.decide(unwanted, lambda auction, at: cancel_item(auction, at, SELLER))
        # Whatever chance has brought: a raise and other texts, on an item that can not have been sold.
        other_texts = listing_changes(category="maps")
        leader, amount = new_user(), (await other.state(items[4]))["price"] + 10_000
        for house, max_amount in ((other, amount + 1), (new_house, amount + 2)):
            await house.bid(items[4], amount, by=leader, max_amount=max_amount)
        await other.decide(items[4], lambda auction, at: update_item(auction, at, SELLER, other_texts))
        for item_id in items[:4]:
            await new_house.end_now(item_id)
            await other.decide(item_id, close_due)
    kinds = await new_house.pool.fetch("SELECT DISTINCT kind FROM item_events")
    assert {row["kind"] for row in kinds} == {"listed", "extended", "closed", "cancelled"}
    for table in ("maximum_raises", "listing_changes"):
        assert await new_house.pool.fetchval(f"SELECT count(*) FROM {table}") > 0
    rows = await new_house.pool.fetchval(
        "SELECT (SELECT count(*) FROM bids) + (SELECT count(*) FROM item_events)"
        " + (SELECT count(*) FROM maximum_raises) + (SELECT count(*) FROM listing_changes)"
    )
    # Pages of few items and few rows, so that all their borders are crossed.
    monkeypatch.setattr(postgres_audit_log, "AUDIT_ITEMS_MAX", 2)
    monkeypatch.setattr(postgres_audit_log, "AUDIT_ROWS_MAX", 3)
    checks = await checked(new_house)
    assert sorted(check.item_id for check in checks) == sorted([*items, unwanted])
    assert [finding for check in checks for finding in check.findings] == []
    assert (sum(check.covered for check in checks), sum(check.uncovered for check in checks)) == (rows, 0)
