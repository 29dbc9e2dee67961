"""What a reply without an answer advises: to retry with the same key where there is one, else to look first."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from connectrpc.errors import ConnectError
from protobuf import Message
from protobuf.wkt.google.protobuf.timestamp_pb import Timestamp

from gavel.bids.adapters.connect.errors import connect_error
from gavel.bids.adapters.connect.service import BidApi
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.decision import Answer, Decide, Decision, RetryKey
from gavel.bids.domain.texts import Listing
from gavel.bids.ports.book import Answered, Call, DeadlineExceeded, Submitted, Unavailable, answer_of
from gavel.contracts.bids.v1 import bid_service_pb as pb
from tests.auction_house import SELLER, new_user
from tests.calls import new_call
from tests.unit.bids.memory_book import MemoryAuctionBook, MemoryItemCatalogue

ITEM = ItemId("6c1f9d3a-4a4d-4a5e-9d6b-0e6f1c2b3a49")
RETRY, LOOK = "retry with the same key", "see whether it was done before you try again"


class AwayBook(MemoryAuctionBook):
    """An AuctionBook that has no answer to any command."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def submit(
        self, item_id: ItemId, decide: Decide, answered: Answered, *, call: Call, key: RetryKey | None = None
    ) -> Submitted:
        """See AuctionBook.submit."""
        return super().submit(item_id, decide, lambda _: answered(self._error), call=call, key=key)

    async def update(self, item_id: ItemId, decide: Decide, *, call: Call, key: RetryKey | None = None) -> Answer:
        """See AuctionBook.update."""
        return await answer_of(lambda answered: self.submit(item_id, decide, answered, call=call, key=key))

    async def open(
        self, open_at: Callable[[datetime], Decision], listing: Listing, *, call: Call, key: RetryKey | None = None
    ) -> Answer:
        """See AuctionBook.open."""
        raise self._error


async def _placed(api: BidApi, key: str) -> str:
    answers: asyncio.Queue[Message | Exception] = asyncio.Queue()
    request = pb.PlaceBidRequest(item_id=ITEM, user_id=new_user(), amount=1, idempotency_key=key)
    api.place_bid(new_call(), request, answers.put_nowait)
    answer = await answers.get()
    assert isinstance(answer, ConnectError)
    return answer.message


async def _bought(api: BidApi, key: str) -> str:
    with pytest.raises(ConnectError) as raised:
        await api.buy_now(new_call(), pb.BuyNowRequest(item_id=ITEM, user_id=new_user(), idempotency_key=key))
    return raised.value.message


async def _listed(api: BidApi, key: str) -> str:
    end_at = Timestamp(seconds=int((datetime.now(UTC) + timedelta(hours=1)).timestamp()))
    request = pb.CreateItemRequest(seller_id=SELLER, title="A", end_at=end_at, start_price=1, idempotency_key=key)
    with pytest.raises(ConnectError) as raised:
        await api.create_item(new_call(), request)
    return raised.value.message


@pytest.mark.parametrize("command", [_placed, _bought, _listed])
@pytest.mark.parametrize("error", [Unavailable("no database"), DeadlineExceeded()])
async def test_a_command_without_an_answer_says_how_to_try_again(
    command: Callable[[BidApi, str], Awaitable[str]], error: Exception
) -> None:
    book = AwayBook(error)
    api = BidApi(book, MemoryItemCatalogue(book), "USD")
    with_key, without = await command(api, "k"), await command(api, "")
    assert with_key.endswith(f": {RETRY}")
    assert without.endswith(f": {LOOK}")


@pytest.mark.parametrize("error", [Unavailable("no database"), DeadlineExceeded(), TimeoutError()])
def test_a_read_without_an_answer_names_no_key(error: Exception) -> None:
    mapped = connect_error(error)
    assert mapped is not None
    assert mapped.message.endswith(": try again")
