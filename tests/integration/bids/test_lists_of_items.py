"""Lists of items show little of each, whatever its seller has written; GetItem shows all."""

from datetime import UTC, datetime, timedelta

import pytest

from gavel.bids.adapters.postgres.writing.auction_book import PostgresAuctionBook
from gavel.bids.api import open_bid_api
from gavel.bids.domain.listing import Draft, Listing
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.runtime.postgres import connections as postgres
from tests.auction_house import SELLER, House, new_user
from tests.calls import new_call

pytestmark = pytest.mark.integration

REPLY_BYTES_MAX = 1_000_000
LISTING = Listing(
    title="A lot",
    description="Worn. " * 1_666,
    images=tuple(f"/{n}/" + "x" * 2_040 for n in range(20)),
    category="globes",
)


async def test_a_list_has_no_description_and_one_image_of_each_item_and_getitem_has_all(bid_db_url: str) -> None:
    async with await postgres.open_pool(bid_db_url, "tests") as pool, open_bid_api(bid_db_url, "USD") as api:
        assert isinstance(api.book, PostgresAuctionBook)
        house, bidder, item_ids = House(api.book, pool, bid_db_url), new_user(), list[str]()
        for _ in range(100):
            draft = Draft(
                seller_id=SELLER, listing=LISTING, end_at=datetime.now(UTC) + timedelta(days=1), start_price=1
            )
            item_id = (await house.list_draft(draft)).auction.item_id
            item_ids.append(item_id)
            await house.bid(item_id, 1, by=bidder)
        active = pb.ListItemsRequest(page_size=100)
        of_category = pb.ListItemsRequest(page_size=100, category="globes")
        lists = [
            (await api.reads.list_items(new_call(), active)).items,
            (await api.reads.list_items(new_call(), of_category)).items,
            (
                await api.reads.list_seller_items(
                    new_call(), pb.ListSellerItemsRequest(page_size=100, seller_id=SELLER)
                )
            ).items,
            [
                each.item
                for each in (
                    await api.reads.list_my_bids(new_call(), pb.ListMyBidsRequest(page_size=100, user_id=bidder))
                ).bids
            ],
        ]
        for items in lists:
            assert len(items) == 100
            assert sum(len(item.to_json()) for item in items if item is not None) < REPLY_BYTES_MAX
            for item in items:
                assert item is not None
                assert (item.title, item.description, item.images) == ("A lot", "", list(LISTING.images[:1]))
        whole = (await api.reads.get_item(new_call(), pb.GetItemRequest(id=item_ids[0]))).item
        assert whole is not None
        assert (whole.description, whole.images) == (LISTING.description, list(LISTING.images))
