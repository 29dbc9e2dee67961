"""What ItemCatalogue promises: items and bids as they are committed, in pages that neither repeat nor leave out."""

from datetime import timedelta

import pytest

from gavel.bids.adapters.postgres.reading.item_catalogue import PostgresItemCatalogue
from gavel.bids.domain.auction import ItemId, Status
from gavel.bids.domain.changing import cancel_item
from gavel.bids.domain.refusals import ItemNotFound
from gavel.bids.use_cases.show_items import show_bids, show_items
from tests.auction_house import SELLER, House, new_user

pytestmark = pytest.mark.integration

NOBODYS = ItemId("99999999-9999-4999-8999-999999999999")


@pytest.fixture
def catalogue(house: House) -> PostgresItemCatalogue:
    """The catalogue of the shared house."""
    return PostgresItemCatalogue(house.pool)


async def _pages(house: House, status: Status, category: str, limit: int = 2) -> list[list[ItemId]]:
    """The ids of all items of a status and category, page by page."""
    catalogue, pages, after = PostgresItemCatalogue(house.pool), list[list[ItemId]](), None
    while not pages or after is not None:
        page, _, after = await show_items(catalogue, status=status, category=category, after=after, limit=limit)
        pages.append([view.auction.item_id for view in page])
    return pages


async def test_an_item_is_shown_as_it_was_just_bid_on(house: House, catalogue: PostgresItemCatalogue) -> None:
    item_id, user = await house.list_item(title="A globe", category="globes", increment=10), new_user()
    answer = await house.bid(item_id, 100, by=user)
    view, at = await catalogue.item(item_id)
    assert view.auction == answer.auction
    assert (view.listing.title, view.listing.category, view.updated_at) == ("A globe", "globes", answer.at)
    assert at >= answer.at


async def test_an_item_that_is_not_there_is_not_found(catalogue: PostgresItemCatalogue) -> None:
    with pytest.raises(ItemNotFound):
        await catalogue.item(NOBODYS)
    with pytest.raises(ItemNotFound):
        await show_bids(catalogue, NOBODYS, before_seq=None, limit=1)


async def test_bids_are_shown_newest_first_page_by_page(house: House, catalogue: PostgresItemCatalogue) -> None:
    item_id = await house.list_item()
    for amount in (1, 2, 3, 4, 5):
        await house.bid(item_id, amount)
    shown: list[list[int]] = []
    before: int | None = None
    while not shown or before is not None:
        bids, before = await show_bids(catalogue, item_id, before_seq=before, limit=2)
        shown.append([bid.amount for bid in bids])
    assert shown == [[5, 4], [3, 2], [1]]


async def test_an_item_without_bids_has_an_empty_page(house: House, catalogue: PostgresItemCatalogue) -> None:
    assert await show_bids(catalogue, await house.list_item(), before_seq=None, limit=5) == ([], None)


async def test_below_seq_0_there_is_nothing(house: House, catalogue: PostgresItemCatalogue) -> None:
    item_id = await house.list_item()
    await house.bid(item_id, 1)
    assert await show_bids(catalogue, item_id, before_seq=0, limit=5) == ([], None)


@pytest.mark.parametrize("category", ["", "globes"])
async def test_active_items_are_listed_ending_soonest_first(new_house: House, category: str) -> None:
    ends = [5, 1, 4, 2, 3]
    ids = [await new_house.list_item(ends_in=timedelta(hours=hours), category="globes") for hours in ends]
    in_order = [ids[ends.index(hours)] for hours in sorted(ends)]
    assert await _pages(new_house, Status.ACTIVE, category) == [in_order[:2], in_order[2:4], in_order[4:]]


async def test_a_category_is_listed_without_the_others(new_house: House) -> None:
    globe = await new_house.list_item(category="globes")
    cancelled, ended, later = [await new_house.list_item(category="globes") for _ in range(2)] + [
        await new_house.list_item(category="globes", starts_in=timedelta(minutes=5))
    ]
    await new_house.list_item(category="maps")
    await new_house.decide(cancelled, lambda auction, at: cancel_item(auction, at, SELLER))
    await new_house.end_now(ended)
    for status, expected in {
        Status.ACTIVE: globe,
        Status.CANCELLED: cancelled,
        Status.ENDED: ended,
        Status.SCHEDULED: later,
    }.items():
        assert await _pages(new_house, status, "globes") == [[expected]]
        assert await _pages(new_house, status, "books") == [[]]


async def test_items_that_end_in_one_moment_are_neither_repeated_nor_left_out(new_house: House) -> None:
    ids = {await new_house.list_item() for _ in range(7)}
    await new_house.pool.execute("ALTER TABLE auctions DISABLE TRIGGER USER")
    await new_house.pool.execute("UPDATE auctions SET end_at = now() + interval '1 hour'")
    for limit in (1, 3):
        shown = [item_id for page in await _pages(new_house, Status.ACTIVE, "", limit) for item_id in page]
        assert len(shown) == len(ids)
        assert set(shown) == ids
    await new_house.pool.execute("UPDATE auctions SET end_at = now()")
    shown = [item_id for page in await _pages(new_house, Status.ENDED, "", 3) for item_id in page]
    assert shown == sorted(ids, reverse=True)
