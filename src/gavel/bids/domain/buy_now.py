"""Buy-now rules: a bid at the buy-now price that ends the auction at once."""

from datetime import datetime

from gavel.bids.domain.auction import Auction, UserId, least_bid
from gavel.bids.domain.bidding import check_open, refused
from gavel.bids.domain.closing import closed
from gavel.bids.domain.decision import Decision
from gavel.bids.domain.events import BidPlaced
from gavel.bids.domain.refusals import BidRefusal


def buy_now(auction: Auction, at: datetime, user_id: UserId) -> Decision:
    """Decide a buy-now: the buyer's bid at the buy-now price, then the close with the buyer as the winner.

    Raises BidRefused: seller, cancelled, ended, not started, then BUY_NOW_UNAVAILABLE.
    """
    check_open(auction, at, user_id)
    if not auction.buy_now_available_at(at):
        raise refused(BidRefusal.BUY_NOW_UNAVAILABLE, auction, at)
    price, seq = auction.terms.buy_now_price, auction.seq + 1
    bid = BidPlaced(
        item_id=auction.item_id,
        seq=seq,
        at=at,
        user_id=user_id,
        amount=price,
        maximum=price,
        automatic=False,
        outbid_user_id=auction.leader_id if auction.leader_id != user_id else None,
        bid_count=auction.bid_count + 1,
        minimum_next_bid=least_bid(auction.terms, price),
        end_at=auction.end_at,
    )
    bought = auction._replace(
        price=price,
        minimum_next_bid=bid.minimum_next_bid,
        leader_id=user_id,
        leader_maximum=price,
        bid_count=bid.bid_count,
        last_bid_seq=seq,
        seq=seq,
        revision=auction.revision + 1,
        end_at=at,
    )
    after, close = closed(bought, at)
    return Decision(after, at, (bid, close), bid_seq=seq)
