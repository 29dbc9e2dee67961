"""Position of a bidder on an item that they have bid on."""

from enum import Enum

from gavel.bids.domain.auction import Auction, UserId


class BidderPosition(Enum):
    """A bidder's position on an item, as shown to that bidder. The contract calls it Standing."""

    LEADING = "leading"
    OUTBID = "outbid"
    WON = "won"
    LOST = "lost"


def position_of(auction: Auction, user_id: UserId) -> BidderPosition:
    """Return a bidder's position: won or lost once the auction has been closed, until then leading or outbid.

    Not by the clock: right after the end, a bid that was decided before it may not be visible yet, so only the close
    makes a winner. A leader below the reserve has lost.
    """
    leads = auction.leader_id == user_id
    if auction.closed_at is None:
        return BidderPosition.LEADING if leads else BidderPosition.OUTBID
    return BidderPosition.WON if leads and auction.sold else BidderPosition.LOST
