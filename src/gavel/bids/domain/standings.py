"""Standings: a bidder's position on an item that they have bid on."""

from enum import Enum

from gavel.bids.domain.auction import Auction
from gavel.bids.domain.ids import UserId


class Standing(Enum):
    """A bidder's position on an item, as shown to that bidder."""

    LEADING = "leading"
    OUTBID = "outbid"
    WON = "won"
    LOST = "lost"


def standing_of(auction: Auction, user_id: UserId) -> Standing:
    """Return a bidder's standing: won or lost once the auction has been closed, until then leading or outbid.

    Not by the clock: right after the end, a bid that was decided before it may not be visible yet, so only the close
    makes a winner. A leader below the reserve has lost.
    """
    leads = auction.leader_id == user_id
    if auction.closed_at is None:
        return Standing.LEADING if leads else Standing.OUTBID
    return Standing.WON if leads and auction.sold else Standing.LOST
