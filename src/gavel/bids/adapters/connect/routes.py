"""Route table of `bids.v1.BidService`: for each method its handler, who may call it, and how urgent it is."""

from gavel.bids.adapters.connect.errors import connect_error
from gavel.bids.adapters.connect.reads import ReadApi
from gavel.bids.adapters.connect.service import BidApi
from gavel.bids.adapters.connect.watch import WatchApi
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.contracts.bids.v1.bid_service_connect import BidService
from gavel.runtime.http.connect.procedures import Service, Submitted, Unary
from gavel.runtime.http.connect.streamed import Streamed
from gavel.runtime.http.load_shedding import Priority
from gavel.runtime.http.routes import Access

_BIDDER = Access(role="bidder", priority=Priority.URGENT)
_SELLER = Access(role="seller", priority=Priority.URGENT)
_OWN_READ = Access(role="bidder")
PUBLIC_READ = Access(public_read=True)
_WATCH = Access(public_read=True, priority=Priority.WATCH)


def bid_service(commands: BidApi, reads: ReadApi, watch: WatchApi) -> Service:
    """The service's routes. PlaceBid is submitted, which is its fast path."""
    return Service(
        BidService.desc(),
        connect_error,
        {
            "PlaceBid": Submitted(pb.PlaceBidRequest, commands.place_bid, _BIDDER),
            "BuyNow": Unary(pb.BuyNowRequest, commands.buy_now, _BIDDER),
            "CreateItem": Unary(pb.CreateItemRequest, commands.create_item, _SELLER),
            "UpdateItem": Unary(pb.UpdateItemRequest, commands.update_item, _SELLER),
            "CancelItem": Unary(pb.CancelItemRequest, commands.cancel_item, _SELLER),
            "ListMyBids": Unary(pb.ListMyBidsRequest, reads.list_my_bids, _OWN_READ),
            "GetItem": Unary(pb.GetItemRequest, reads.get_item, PUBLIC_READ),
            "ListItems": Unary(pb.ListItemsRequest, reads.list_items, PUBLIC_READ),
            "ListSellerItems": Unary(pb.ListSellerItemsRequest, reads.list_seller_items, PUBLIC_READ),
            "GetItemBids": Unary(pb.GetItemBidsRequest, reads.get_item_bids, PUBLIC_READ),
            "GetLeaderboard": Unary(pb.GetLeaderboardRequest, reads.get_leaderboard, PUBLIC_READ),
            "WatchItems": Streamed(pb.WatchItemsRequest, watch.watch_items, _WATCH),
        },
    )
