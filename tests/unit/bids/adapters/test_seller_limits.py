"""What one seller may write a day, by calls and by bytes, whatever the others write."""

from datetime import UTC, datetime, timedelta

import pytest
from connectrpc.code import Code

from gavel.bids.adapters.connect.seller_limits import SellerLimits
from gavel.bids.adapters.connect.service import BidApi
from gavel.bids.domain.auction import UserId
from gavel.bids.settings import BidApiSettings
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.runtime.http.connect.errors import RetryLater
from gavel.runtime.timestamps import timestamp
from tests.auction_house import new_user
from tests.calls import new_call
from tests.unit.bids.memory_book import MemoryAuctionBook, MemoryItemCatalogue


def _api(limits: SellerLimits) -> BidApi:
    book = MemoryAuctionBook()
    return BidApi(book, MemoryItemCatalogue(book), "USD", limits)


async def _create(api: BidApi, seller_id: UserId, description: str = "") -> str:
    end_at = timestamp(datetime.now(UTC) + timedelta(hours=1))
    request = pb.CreateItemRequest(
        title="A lot", description=description, seller_id=seller_id, start_price=1, end_at=end_at
    )
    item = (await api.create_item(new_call(), request)).item
    assert item is not None
    return item.id


async def _update(api: BidApi, seller_id: UserId, item_id: str, description: str) -> None:
    await api.update_item(new_call(), pb.UpdateItemRequest(id=item_id, seller_id=seller_id, description=description))


async def _is_refused(what: str, api: BidApi, seller_id: UserId, item_id: str, description: str = "") -> None:
    for write in (_create(api, seller_id, description), _update(api, seller_id, item_id, description)):
        with pytest.raises(RetryLater, match=f"too many {what} of one seller") as refused:
            await write
        assert refused.value.code is Code.RESOURCE_EXHAUSTED
        assert int(refused.value.retry_after) >= 1


async def test_the_calls_of_one_seller_are_bounded_and_those_of_another_are_not_counted() -> None:
    api, seller, other = _api(SellerLimits(calls_per_day=3)), new_user(), new_user()
    item_id = await _create(api, seller)
    for number in range(2):
        await _update(api, seller, item_id, f"Worn {number}")
    await _is_refused("items", api, seller, item_id)
    await _create(api, other)


async def test_the_bytes_that_one_seller_writes_are_bounded_by_what_they_take_in_utf_8() -> None:
    api, seller = _api(SellerLimits(bytes_per_day=50_000)), new_user()
    item_id = await _create(api, seller)
    await _update(api, seller, item_id, "🌍" * 10_000)
    await _is_refused("texts", api, seller, item_id, "🌍" * 3_000)
    await _update(api, seller, item_id, "x" * 3_000)


async def test_no_limit_is_no_limit() -> None:
    api, seller = _api(SellerLimits(0, 0)), new_user()
    item_id = await _create(api, seller)
    for number in range(20):
        await _update(api, seller, item_id, f"{number}" * 5_000)


def test_the_settings_have_a_limit_of_both_unless_they_say_otherwise() -> None:
    fields = BidApiSettings.model_fields
    assert fields["seller_calls_per_day"].default > 0
    assert fields["seller_bytes_per_day"].default > 0
