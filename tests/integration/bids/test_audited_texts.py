"""The texts that bidders see are those of the log: changed past Gavel, they show."""

import pytest

from gavel.bids.adapters.postgres.rows import terms_of
from gavel.bids.adapters.postgres.writing.audit_chain import chained, row_text, terms_digest
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.changing import update_item
from gavel.bids.domain.texts import listing_changes
from tests.auction_house import SELLER, House
from tests.audited_log import found, tamper

pytestmark = pytest.mark.integration

CHANGED = "item_events, seq 1: does not follow from the item's terms: it or they were changed"


@pytest.fixture
async def item_id(house: House) -> ItemId:
    """Listed, title and images changed since, and bid on."""
    item_id = await house.list_item()
    changes = listing_changes(title="Another thing", images=["a.png"])
    await house.decide(item_id, lambda auction, at: update_item(auction, at, SELLER, changes))
    await house.bid(item_id, 100)
    assert await found(house, item_id) == []
    return item_id


SHOWN = {
    "title": "listings SET title = 'Another'",
    "description": "listings SET description = 'Broken'",
    "images": "listings SET images = '{b.png}'",
    "category": "auctions SET category = 'another'",
}


@pytest.mark.parametrize("text", SHOWN)
async def test_a_text_that_bidders_see_and_the_log_does_not_have_shows(
    house: House, item_id: ItemId, text: str
) -> None:
    for listed in (item_id, await house.list_item(title="A vase", category="china")):
        await tamper(house, f"UPDATE {SHOWN[text]} WHERE item_id = '{listed}'")
        assert await found(house, listed) == [f"listings: differs from the log: {text}"]


async def test_the_listed_row_covers_all_texts(house: House) -> None:
    for change in ("category = 'another'", "description_digest = images_digest", "images_digest = description_digest"):
        listed = await house.list_item()
        await tamper(house, f"UPDATE item_events SET {change} WHERE item_id = '{listed}'")
        assert (await found(house, listed))[0] == CHANGED


async def test_a_log_of_the_first_release_verifies(house: House) -> None:
    """Its listed rows have no digests of texts, and their own digests cover none."""
    item_id = await house.list_item(title="Old", category="globes")
    columns = (
        "item_id::text, seq, kind, created_at, price, leader_id::text, bid_count, minimum_next_bid, end_at, sold,"
        " traceparent, title"
    )
    row = await house.pool.fetchrow(f"SELECT {columns} FROM item_events WHERE item_id = $1", item_id)
    assert row is not None
    async with house.pool.acquire() as connection:
        auction = await connection.fetchrow("SELECT * FROM auctions WHERE item_id = $1", item_id)
    assert auction is not None
    digest = chained(terms_digest(item_id, terms_of(auction)), row_text("item_events", *row)).hex()
    anew = f"digest = '\\x{digest}'"
    await tamper(
        house,
        f"UPDATE item_events SET {anew}, category = NULL, description_digest = NULL, images_digest = NULL"
        f" WHERE item_id = '{item_id}'",
        f"UPDATE auctions SET {anew} WHERE item_id = '{item_id}'",
    )
    changes = listing_changes(description="Worn")
    await house.decide(item_id, lambda auction, at: update_item(auction, at, SELLER, changes))
    await house.bid(item_id, 100)
    assert await found(house, item_id) == []
    await tamper(house, f"UPDATE listings SET title = 'New', description = 'Mint' WHERE item_id = '{item_id}'")
    assert await found(house, item_id) == ["listings: differs from the log: title, description"]
