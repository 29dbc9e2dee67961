"""The bid API on a book in memory: what it parses, decides and answers, without HTTP and without a database."""

import asyncio

import pytest
from connectrpc.code import Code
from protobuf import Message

from gavel.bids.adapters.connect.errors import connect_error
from gavel.bids.adapters.connect.reads import ReadApi
from gavel.bids.adapters.connect.service import BidApi
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.leaderboards import Leaderboard
from gavel.bids.domain.refusals import BidRefused, InvalidInput, ItemNotFound
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.runtime.http.calls import Call
from gavel.runtime.http.connect.errors import RetryLater
from gavel.runtime.http.connect.page_tokens import PageTokenInvalid, PageTokens
from gavel.runtime.http.rate_limits import RateLimit
from tests.auction_house import SELLER, BookWords, new_user
from tests.calls import new_call
from tests.unit.bids.memory_book import MemoryAuctionBook, MemoryItemCatalogue


class NoLeaderboards:
    """Leaderboards of no item."""

    async def board(self, item_id: ItemId, limit: int) -> Leaderboard:
        """See Leaderboards.board."""
        raise ItemNotFound(item_id)


@pytest.fixture
def memory() -> MemoryAuctionBook:
    return MemoryAuctionBook()


@pytest.fixture
def book(memory: MemoryAuctionBook) -> BookWords:
    return BookWords(memory)


@pytest.fixture
def api(memory: MemoryAuctionBook) -> BidApi:
    return BidApi(memory, MemoryItemCatalogue(memory), "USD")


@pytest.fixture
def reads(memory: MemoryAuctionBook) -> ReadApi:
    async def secret() -> bytes:
        return b"a secret"

    return ReadApi(MemoryItemCatalogue(memory), NoLeaderboards(), PageTokens(secret))


async def _placed(api: BidApi, request: pb.PlaceBidRequest, call: Call | None = None) -> pb.PlaceBidResponse:
    """Place a bid and wait for its answer. Raises what was answered or raised instead of a reply."""
    answers: asyncio.Queue[Message | Exception] = asyncio.Queue()
    api.place_bid(call or new_call(), request, answers.put_nowait)
    answer = await answers.get()
    assert answers.empty()
    if isinstance(answer, Exception):
        raise answer
    assert isinstance(answer, pb.PlaceBidResponse)
    return answer


async def test_an_accepted_bid_is_answered_with_its_row_and_the_price(api: BidApi, book: BookWords) -> None:
    item_id, user = await book.list_item(increment=10), new_user()
    request = pb.PlaceBidRequest(item_id=item_id, user_id=user, amount=100, max_amount=500)
    reply = await _placed(api, request)
    assert reply.bid is not None
    assert (reply.bid.amount, reply.bid.user_id, reply.bid.seq) == (100, user, 2)
    assert (reply.current_highest_bid, reply.minimum_next_bid, reply.leading) == (100, 110, True)


async def test_a_page_of_items_counts_for_its_address_by_its_length(reads: ReadApi) -> None:
    call = new_call()
    call.address_key, call.address_limit = "192.0.2.7", RateLimit("address", 1e-6, 30)
    await reads.list_items(call, pb.ListItemsRequest(page_size=100))
    await reads.list_items(call, pb.ListItemsRequest(page_size=50))
    for read in (
        reads.list_items(call, pb.ListItemsRequest(page_size=5)),
        reads.list_seller_items(call, pb.ListSellerItemsRequest(page_size=5, seller_id=SELLER)),
        reads.list_my_bids(call, pb.ListMyBidsRequest(page_size=5, user_id=new_user())),
    ):
        with pytest.raises(RetryLater, match="one address"):
            await read


async def test_the_key_of_the_header_makes_a_retry_the_first_bid(api: BidApi, book: BookWords) -> None:
    request = pb.PlaceBidRequest(item_id=await book.list_item(), user_id=new_user(), amount=100)
    replies = [await _placed(api, request, new_call([(b"idempotency-key", b"k")])) for _ in range(2)]
    assert replies[0].bid == replies[1].bid


async def test_a_bid_too_low_is_a_failed_precondition_with_the_least_bid(api: BidApi, book: BookWords) -> None:
    item_id = await book.list_item(start_price=100)
    with pytest.raises(BidRefused) as refused:
        await _placed(api, pb.PlaceBidRequest(item_id=item_id, user_id=new_user(), amount=99))
    error = connect_error(refused.value)
    assert error is not None
    assert error.code is Code.FAILED_PRECONDITION


@pytest.mark.parametrize("item_id", ["", "an item", "99999999-9999-4999-8999"])
async def test_an_id_that_is_none_does_not_reach_the_book(api: BidApi, memory: MemoryAuctionBook, item_id: str) -> None:
    with pytest.raises(InvalidInput):
        await _placed(api, pb.PlaceBidRequest(item_id=item_id, user_id=new_user(), amount=1))
    assert memory.updates == 0


async def test_page_tokens_lead_through_a_list_and_are_good_for_no_other(reads: ReadApi, book: BookWords) -> None:
    listed = [await book.list_item() for _ in range(3)]
    first = await reads.list_seller_items(new_call(), pb.ListSellerItemsRequest(seller_id=SELLER, page_size=2))
    request = pb.ListSellerItemsRequest(seller_id=SELLER, page_size=2, page_token=first.next_page_token)
    second = await reads.list_seller_items(new_call(), request)
    assert [item.id for item in [*first.items, *second.items]] == listed[::-1]
    assert second.next_page_token == ""
    request = pb.ListSellerItemsRequest(seller_id=new_user(), page_token=first.next_page_token)
    with pytest.raises(PageTokenInvalid):
        await reads.list_seller_items(new_call(), request)
