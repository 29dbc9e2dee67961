"""Seller changes to a listed item: its texts, or its cancellation."""

from datetime import datetime

from gavel.bids.domain.auction import Auction, Status, UserId
from gavel.bids.domain.decision import Decision
from gavel.bids.domain.events import AuctionCancelled
from gavel.bids.domain.refusals import ChangeRefusal, ChangeRefused, NotTheSeller
from gavel.bids.domain.texts import ListingChanges

# A bidder relies on what was shown.
FIELDS_FIXED_BY_A_BID = ("title", "description", "images")

_REFUSAL_BY_STATUS = {Status.CANCELLED: ChangeRefusal.CANCELLED, Status.ENDED: ChangeRefusal.ENDED}


def cancel_item(auction: Auction, at: datetime, seller_id: UserId) -> Decision:
    """Withdraw an item without bids before its end; a scheduled one too. A cancelled one stays as it is.

    Idempotent, so that a retry after a lost answer is no error.
    Raises NotTheSeller, then ChangeRefused: ended, has bids. Then nothing has changed.
    """
    if auction.cancelled_at is not None and seller_id == auction.terms.seller_id:
        return Decision(auction, at)
    _check_changeable(auction, at, seller_id)
    if auction.bid_count:
        raise ChangeRefused(ChangeRefusal.HAS_BIDS)
    after = auction._replace(cancelled_at=at, seq=auction.seq + 1, revision=auction.revision + 1)
    return Decision(after, at, (AuctionCancelled(auction.item_id, after.seq, at),))


def update_item(auction: Auction, at: datetime, seller_id: UserId, changes: ListingChanges) -> Decision:
    """Set texts anew: title, description and images before the first bid, the category until the end.

    A change without an event: only `revision` rises.
    Raises NotTheSeller, then ChangeRefused: cancelled, ended, has bids. Then nothing has changed.
    """
    _check_changeable(auction, at, seller_id, changes.fields)
    fixed = tuple(field for field in changes.fields if field in FIELDS_FIXED_BY_A_BID)
    if fixed and auction.bid_count:
        raise ChangeRefused(ChangeRefusal.HAS_BIDS, fixed)
    return Decision(auction._replace(revision=auction.revision + 1), at, changes=changes)


def _check_changeable(auction: Auction, at: datetime, seller_id: UserId, fields: tuple[str, ...] | None = None) -> None:
    if seller_id != auction.terms.seller_id:
        raise NotTheSeller(auction.item_id)
    if (reason := _REFUSAL_BY_STATUS.get(auction.status_at(at))) is not None:
        raise ChangeRefused(reason, fields)
