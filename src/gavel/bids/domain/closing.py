"""Auction close: happens once, with the leader as the winner, or unsold."""

from datetime import datetime

from gavel.bids.domain.auction import Auction
from gavel.bids.domain.decision import Decision
from gavel.bids.domain.events import AuctionClosed


def close_due(auction: Auction, at: datetime) -> Decision:
    """Close an auction whose end has passed; one that is closed, cancelled or not due stays as it is."""
    if auction.closed_at is not None or auction.cancelled_at is not None or at < auction.end_at:
        return Decision(auction, at)
    after, close = closed(auction, at)
    return Decision(after, at, (close,))


def closed(auction: Auction, at: datetime) -> tuple[Auction, AuctionClosed]:
    """The auction after its close at `at`, and the event that records it."""
    after = auction._replace(closed_at=at, seq=auction.seq + 1, revision=auction.revision + 1)
    winner = auction.leader_id if auction.sold else None
    return after, AuctionClosed(auction.item_id, after.seq, at, auction.sold, winner, auction.price if winner else 0)
