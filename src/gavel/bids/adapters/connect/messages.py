"""Response messages from domain values. A maximum is shown to its owner alone, a reserve price never."""

from datetime import datetime

from gavel.bids.domain.auction import Auction, ReserveState, Status, UserId, event_id
from gavel.bids.domain.decision import Answer
from gavel.bids.domain.events import BidPlaced
from gavel.bids.domain.leaderboards import Leaderboard
from gavel.bids.domain.positions import BidderPosition, position_of
from gavel.bids.ports.catalogue import BidderItem, ItemView
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.runtime.timestamps import timestamp

_STATUSES = {
    Status.SCHEDULED: pb.ItemStatus.SCHEDULED,
    Status.ACTIVE: pb.ItemStatus.ACTIVE,
    Status.ENDED: pb.ItemStatus.ENDED,
    Status.CANCELLED: pb.ItemStatus.CANCELLED,
}
_RESERVE_STATES = {
    ReserveState.NONE: pb.ReserveState.NONE,
    ReserveState.NOT_MET: pb.ReserveState.NOT_MET,
    ReserveState.MET: pb.ReserveState.MET,
}
_STANDINGS = {
    BidderPosition.LEADING: pb.Standing.LEADING,
    BidderPosition.OUTBID: pb.Standing.OUTBID,
    BidderPosition.WON: pb.Standing.WON,
    BidderPosition.LOST: pb.Standing.LOST,
}


def item_message(view: ItemView, at: datetime) -> pb.Item:
    """The public message of an item at `at`."""
    auction, listing = view.auction, view.listing
    terms = auction.terms
    return pb.Item(
        id=auction.item_id,
        title=listing.title,
        description=listing.description,
        start_price=terms.start_price,
        current_highest_bid=auction.price,
        end_at=timestamp(auction.end_at),
        created_at=timestamp(view.created_at),
        updated_at=timestamp(view.updated_at),
        images=list(listing.images),
        category=listing.category,
        seller_id=terms.seller_id,
        status=_STATUSES[auction.status_at(at)],
        start_at=timestamp(terms.start_at),
        bid_count=auction.bid_count,
        minimum_next_bid=auction.minimum_next_bid,
        highest_bidder_id=auction.leader_id or "",
        buy_now_price=terms.buy_now_price,
        reserve_state=_RESERVE_STATES[auction.reserve_state],
        seq=auction.seq,
        currency=terms.currency,
        outcome=_outcome(auction),
        soft_close=pb.SoftClose(
            window_seconds=terms.soft_close.window_seconds,
            extension_seconds=terms.soft_close.extension_seconds,
            max_extension_seconds=terms.soft_close.max_extension_seconds,
        ),
        bid_increment=pb.BidIncrement(fixed=terms.increment.fixed, basis_points=terms.increment.basis_points),
        buy_now_available=auction.buy_now_available_at(at),
    )


def bid_message(bid: BidPlaced) -> pb.Bid:
    """The public message of a bid, with its visible amount."""
    return pb.Bid(
        id=event_id(bid.item_id, bid.seq, bid.at),
        item_id=bid.item_id,
        user_id=bid.user_id,
        amount=bid.amount,
        created_at=timestamp(bid.at),
        seq=bid.seq,
        automatic=bid.automatic,
    )


def place_bid_message(answer: Answer, user_id: UserId) -> pb.PlaceBidResponse:
    """The reply to an accepted bid: the caller's own bid, and the item's state."""
    auction = answer.auction
    return pb.PlaceBidResponse(
        bid=None if answer.bid is None else bid_message(answer.bid),
        current_highest_bid=auction.price,
        minimum_next_bid=auction.minimum_next_bid,
        leading=auction.leader_id == user_id,
        end_at=timestamp(auction.end_at),
        server_time=timestamp(answer.at),
    )


def my_bid_message(mine: BidderItem, user_id: UserId, at: datetime) -> pb.MyBid:
    """An item in the view of one of its bidders. For that bidder alone: it shows their maximum."""
    position = position_of(mine.item.auction, user_id)
    return pb.MyBid(
        item=item_message(mine.item, at),
        amount=mine.amount,
        max_amount=mine.maximum,
        standing=_STANDINGS[position],
    )


def leaderboard_message(board: Leaderboard) -> pb.GetLeaderboardResponse:
    """The public message of a leaderboard."""
    entries = [
        pb.LeaderboardEntry(user_id=entry.user_id, amount=entry.amount, bid_count=entry.bid_count)
        for entry in board.entries
    ]
    return pb.GetLeaderboardResponse(entries=entries, seq=board.seq)


def _outcome(auction: Auction) -> pb.Outcome | None:
    if auction.closed_at is None:
        return None
    winner_id = auction.leader_id if auction.sold else None
    return pb.Outcome(
        sold=auction.sold,
        winner_id=winner_id or "",
        amount=auction.price if winner_id else 0,
        closed_at=timestamp(auction.closed_at),
    )
