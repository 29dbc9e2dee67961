"""Read methods of `bids.v1.BidService`: items, bids and leaderboards, with pagination."""

from datetime import datetime

from gavel.bids.adapters.connect.messages import bid_message, item_message, leaderboard_message, my_bid_message
from gavel.bids.adapters.connect.requests import (
    actor_id_of,
    board_limit_of,
    item_id_of,
    page_size_of,
    status_of,
    user_id_of,
)
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.texts import check_category
from gavel.bids.ports.catalogue import ItemCatalogue, ItemPosition
from gavel.bids.ports.leaderboards import Leaderboards
from gavel.bids.use_cases.show_items import show_bids, show_items, show_my_bids, show_seller_items
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.runtime.http.calls import Call
from gavel.runtime.http.connect.page_tokens import PageTokenInvalid, PageTokens, Part
from gavel.runtime.timestamps import timestamp

# A page of so many items counts as one more call of its address.
ITEMS_A_CALL = 5


class ReadApi:
    """Read methods on their ports. A page token is valid only for the list that it was issued for."""

    def __init__(self, catalogue: ItemCatalogue, leaderboards: Leaderboards, tokens: PageTokens) -> None:
        self._catalogue = catalogue
        self._leaderboards = leaderboards
        self._tokens = tokens

    async def get_item(self, _call: Call, request: pb.GetItemRequest) -> pb.GetItemResponse:
        """See BidService.GetItem."""
        view, at = await self._catalogue.item(item_id_of(request.id, "id"))
        return pb.GetItemResponse(item=item_message(view, at), server_time=timestamp(at))

    async def list_items(self, call: Call, request: pb.ListItemsRequest) -> pb.ListItemsResponse:
        """See BidService.ListItems."""
        status, limit = status_of(request.status), page_size_of(request.page_size)
        call.charge_address(limit // ITEMS_A_CALL)
        check_category(request.category)
        page_list = f"items {status.value} {request.category}"
        after = await self._item_position(page_list, request.page_token)
        items, at, position = await show_items(
            self._catalogue, status=status, category=request.category, after=after, limit=limit
        )
        token = await self._item_token(page_list, position)
        return pb.ListItemsResponse(items=[item_message(view, at) for view in items], next_page_token=token)

    async def list_seller_items(self, call: Call, request: pb.ListSellerItemsRequest) -> pb.ListSellerItemsResponse:
        """See BidService.ListSellerItems."""
        seller_id, limit = user_id_of(request.seller_id, "seller_id"), page_size_of(request.page_size)
        call.charge_address(limit // ITEMS_A_CALL)
        page_list = f"items of seller {seller_id}"
        after = await self._item_position(page_list, request.page_token)
        items, at, position = await show_seller_items(self._catalogue, seller_id, after=after, limit=limit)
        token = await self._item_token(page_list, position)
        return pb.ListSellerItemsResponse(items=[item_message(view, at) for view in items], next_page_token=token)

    async def list_my_bids(self, call: Call, request: pb.ListMyBidsRequest) -> pb.ListMyBidsResponse:
        """See BidService.ListMyBids. The only reply that contains a maximum: the caller's own."""
        user_id, limit = actor_id_of(call, request.user_id), page_size_of(request.page_size)
        call.charge_address(limit // ITEMS_A_CALL)
        page_list = f"items of bidder {user_id}"
        after = await self._item_position(page_list, request.page_token)
        mine, at, position = await show_my_bids(self._catalogue, user_id, after=after, limit=limit)
        token = await self._item_token(page_list, position)
        return pb.ListMyBidsResponse(bids=[my_bid_message(each, user_id, at) for each in mine], next_page_token=token)

    async def get_item_bids(self, _call: Call, request: pb.GetItemBidsRequest) -> pb.GetItemBidsResponse:
        """See BidService.GetItemBids."""
        item_id, limit = item_id_of(request.item_id), page_size_of(request.page_size)
        page_list = f"bids {item_id}"
        before_seq = None
        if request.page_token:
            before_seq = _seq_position(await self._tokens.read(page_list, request.page_token))
        bids, last_seq = await show_bids(self._catalogue, item_id, before_seq=before_seq, limit=limit)
        token = "" if last_seq is None else await self._tokens.issue(page_list, last_seq)
        return pb.GetItemBidsResponse(bids=[bid_message(bid) for bid in bids], next_page_token=token)

    async def get_leaderboard(self, _call: Call, request: pb.GetLeaderboardRequest) -> pb.GetLeaderboardResponse:
        """See BidService.GetLeaderboard."""
        item_id, limit = item_id_of(request.item_id), board_limit_of(request.limit)
        return leaderboard_message(await self._leaderboards.board(item_id, limit))

    async def _item_position(self, page_list: str, token: str) -> ItemPosition | None:
        return _item_position(await self._tokens.read(page_list, token)) if token else None

    async def _item_token(self, page_list: str, position: ItemPosition | None) -> str:
        if position is None:
            return ""
        return await self._tokens.issue(page_list, position.time.isoformat(), position.item_id)


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
