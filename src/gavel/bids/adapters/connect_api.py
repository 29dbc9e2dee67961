"""`bids.v1.BidService` over Connect: parse, call one use case, translate the answer."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from connectrpc.request import RequestContext

from gavel.bids.adapters.connect_errors import connect_error
from gavel.bids.adapters.connect_input import (
    draft_of,
    idempotency_key_of,
    item_id_of,
    page_size_of,
    status_of,
    user_id_of,
)
from gavel.bids.adapters.connect_messages import bid_message, item_message, place_bid_message
from gavel.bids.adapters.wire import timestamp
from gavel.bids.domain.bidding import new_bid
from gavel.bids.domain.ids import ItemId
from gavel.bids.ports import AuctionBook, Call, ItemCatalogue, ItemPosition, ItemView
from gavel.bids.use_cases.list_item import list_item
from gavel.bids.use_cases.place_bid import place_bid
from gavel.bids.use_cases.show_items import show_bids, show_item, show_items
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.contracts.bids.v1.bid_service_connect import BidService, BidServiceASGIApplication
from gavel.runtime.connect import CODECS, REQUEST_BYTES_MAX, MappedErrors, call_seconds, valid_traceparent
from gavel.runtime.page_tokens import PageTokenInvalid, PageTokens, Part

Context = RequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the headers of a request say: where it comes from, how long its caller waits, and its key."""

    call: Call
    idempotency_key: str = ""


class BidApi(BidService):
    """The service on the write side's ports. Money in minor units, ids as canonical UUIDs."""

    def __init__(self, book: AuctionBook, catalogue: ItemCatalogue, tokens: PageTokens, house_currency: str) -> None:
        self._book = book
        self._catalogue = catalogue
        self._tokens = tokens
        self._house_currency = house_currency

    async def place_bid(self, request: pb.PlaceBidRequest, ctx: Context) -> pb.PlaceBidResponse:
        """See BidService.PlaceBid."""
        return await self.answer_bid(request, _metadata(ctx))

    async def answer_bid(self, request: pb.PlaceBidRequest, metadata: Metadata) -> pb.PlaceBidResponse:
        """Decide a bid: what both ways to PlaceBid share. Raises what connect_errors knows."""
        item_id, user_id = item_id_of(request.item_id), user_id_of(request.user_id)
        bid = new_bid(user_id, request.amount, request.max_amount)
        key = idempotency_key_of(request.idempotency_key, metadata.idempotency_key)
        answer = await place_bid(self._book, item_id, bid, idempotency_key=key, call=metadata.call)
        return place_bid_message(answer, user_id)

    async def create_item(self, request: pb.CreateItemRequest, ctx: Context) -> pb.CreateItemResponse:
        """See BidService.CreateItem."""
        draft, call = draft_of(request), _metadata(ctx).call
        item_id = ItemId(str(uuid4()))
        answer = await list_item(self._book, draft, item_id=item_id, currency=self._house_currency, call=call)
        view = ItemView(answer.auction, draft.listing, created_at=answer.at, updated_at=answer.at)
        return pb.CreateItemResponse(item=item_message(view, answer.at))

    async def get_item(self, request: pb.GetItemRequest, _ctx: Context) -> pb.GetItemResponse:
        """See BidService.GetItem."""
        view, at = await show_item(self._catalogue, item_id_of(request.id, "id"))
        return pb.GetItemResponse(item=item_message(view, at), server_time=timestamp(at))

    async def list_items(self, request: pb.ListItemsRequest, _ctx: Context) -> pb.ListItemsResponse:
        """See BidService.ListItems."""
        status, limit = status_of(request.status), page_size_of(request.page_size)
        page_list = f"items {status.value} {request.category}"
        after = None
        if request.page_token:
            after = _item_position(await self._tokens.read(page_list, request.page_token))
        items, at, position = await show_items(
            self._catalogue, status=status, category=request.category, after=after, limit=limit
        )
        token = ""
        if position is not None:
            token = await self._tokens.issue(page_list, position.time.isoformat(), position.item_id)
        return pb.ListItemsResponse(items=[item_message(view, at) for view in items], next_page_token=token)

    async def get_item_bids(self, request: pb.GetItemBidsRequest, _ctx: Context) -> pb.GetItemBidsResponse:
        """See BidService.GetItemBids."""
        item_id, limit = item_id_of(request.item_id), page_size_of(request.page_size)
        page_list = f"bids {item_id}"
        before_seq = None
        if request.page_token:
            before_seq = _seq_position(await self._tokens.read(page_list, request.page_token))
        bids, last_seq = await show_bids(self._catalogue, item_id, before_seq=before_seq, limit=limit)
        token = "" if last_seq is None else await self._tokens.issue(page_list, last_seq)
        return pb.GetItemBidsResponse(bids=[bid_message(bid) for bid in bids], next_page_token=token)


def bid_service_app(api: BidApi) -> BidServiceASGIApplication:
    """The whole service as an ASGI application, its errors by the table, its requests bounded after decompression."""
    return BidServiceASGIApplication(
        api, interceptors=[MappedErrors(connect_error)], read_max_bytes=REQUEST_BYTES_MAX, codecs=CODECS
    )


def _metadata(ctx: Context) -> Metadata:
    headers = ctx.request_headers
    deadline_seconds = asyncio.get_running_loop().time() + call_seconds(ctx)
    call = Call(deadline_seconds, valid_traceparent(headers.get("traceparent") or ""))
    return Metadata(call, headers.get("idempotency-key") or "")


def _item_position(parts: list[Part]) -> ItemPosition:
    match parts:
        case [str(time), str(item_id)]:
            return ItemPosition(datetime.fromisoformat(time), ItemId(item_id))
        case _:
            raise PageTokenInvalid


def _seq_position(parts: list[Part]) -> int:
    match parts:
        case [int(seq)]:
            return seq
        case _:
            raise PageTokenInvalid
