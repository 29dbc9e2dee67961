"""Bidding rules: the order of the checks, proxy bidding, the reserve, soft close.

A bid is its amount, shown at once, and a maximum up to which Gavel bids on. The worked example in
docs/auction-rules.md is run as a test.
"""

from datetime import datetime
from typing import NamedTuple

from gavel.bids.domain.auction import Auction, Status, UserId, extended_end, least_bid
from gavel.bids.domain.decision import Decision
from gavel.bids.domain.events import AuctionExtended, BidPlaced
from gavel.bids.domain.hidden import repr_without
from gavel.bids.domain.increments import AMOUNT_MAX, AMOUNT_MIN, is_amount
from gavel.bids.domain.refusals import BidRefusal, BidRefused, InvalidInput

_REFUSAL_BY_STATUS = {
    Status.CANCELLED: BidRefusal.CANCELLED,
    Status.ENDED: BidRefusal.ENDED,
    Status.SCHEDULED: BidRefusal.NOT_STARTED,
}


class NewBid(NamedTuple):
    """A requested bid. Minor units; `maximum` is never below `amount`.

    The repr shows neither, so that no log line can: where a leader raises, the amount may be the maximum.
    """

    user_id: UserId
    amount: int
    maximum: int

    def __repr__(self) -> str:
        """Leave out the amount and the maximum."""
        return repr_without(self, "amount", "maximum")


def new_bid(user_id: UserId, amount: int, max_amount: int) -> NewBid:
    """Validate a requested bid; `max_amount` 0 means that the amount is the maximum. Raises InvalidInput."""
    if not is_amount(amount):
        raise InvalidInput("amount", f"must be {AMOUNT_MIN} to {AMOUNT_MAX} minor units")
    if max_amount and not amount <= max_amount <= AMOUNT_MAX:
        raise InvalidInput("max_amount", f"must be 0 (none), or the amount to {AMOUNT_MAX} minor units")
    return NewBid(user_id, amount, max_amount or amount)


class _Row(NamedTuple):
    user_id: UserId
    amount: int
    maximum: int
    automatic: bool


def place_bid(auction: Auction, at: datetime, bid: NewBid) -> Decision:
    """Decide a bid on the auction as it stands at `at`.

    Raises BidRefused if a rule refuses it; then nothing has changed. Checks come in this order: seller,
    cancelled, ended, not started, leader, too low.
    """
    check_open(auction, at, bid.user_id)
    if bid.user_id == auction.leader_id:
        return _raise_maximum(auction, at, bid)
    if bid.amount < auction.minimum_next_bid:
        raise refused(BidRefusal.TOO_LOW, auction, at)
    return _accept(auction, at, _contest(auction, bid))


def refuse_early(auction: Auction, at: datetime, bid: NewBid) -> None:
    """Refuse, from an older state of the auction, a bid that no newer state could accept.

    The visible price only rises, so a bid below a minimum that was once in force stays too low. Bids that
    another check would refuse first, or whose maximum might matter, are left to the real decision.
    Raises BidRefused.
    """
    if (
        bid.amount < auction.minimum_next_bid
        and bid.maximum == bid.amount
        and bid.user_id not in (auction.leader_id, auction.terms.seller_id)
        and auction.status_at(at) is Status.ACTIVE
    ):
        raise refused(BidRefusal.TOO_LOW, auction, at)


def check_open(auction: Auction, at: datetime, user_id: UserId) -> None:
    """Raise BidRefused for the seller, and if the auction takes no bids at `at`."""
    if user_id == auction.terms.seller_id:
        raise refused(BidRefusal.SELLER, auction, at)
    if (status := auction.status_at(at)) is not Status.ACTIVE:
        raise refused(_REFUSAL_BY_STATUS[status], auction, at)


def refused(reason: BidRefusal, auction: Auction, at: datetime) -> BidRefused:
    """The refusal of a bid, with the facts of the state it was refused on."""
    least = auction.minimum_next_bid if auction.minimum_next_bid <= AMOUNT_MAX else 0
    return BidRefused(reason, auction.price, least, auction.end_at, at)


def _raise_maximum(auction: Auction, at: datetime, bid: NewBid) -> Decision:
    """A leader's higher maximum moves no price and makes no event, unless it reaches the reserve."""
    if bid.maximum <= auction.leader_maximum:
        raise refused(BidRefusal.ALREADY_LEADING, auction, at)
    reserve = auction.terms.reserve_price
    if auction.price < reserve <= bid.maximum:
        return _accept(auction, at, [_Row(bid.user_id, reserve, bid.maximum, automatic=True)])
    raised = auction._replace(leader_maximum=bid.maximum, revision=auction.revision + 1)
    return Decision(raised, at, bid_seq=auction.last_bid_seq, raised_maximum=True)


def _contest(auction: Auction, bid: NewBid) -> list[_Row]:
    """The rows that a bid against the leader writes: the bid, the loser's maximum, the winner's price.

    The latter two are left out where they show nothing new.
    """
    caller = _Row(bid.user_id, bid.amount, bid.maximum, automatic=False)
    rows, winner, price = [caller], caller, bid.amount
    if auction.leader_id is not None:
        leader = _Row(auction.leader_id, auction.price, auction.leader_maximum, automatic=True)
        # On equal maxima the earlier one, the leader's, wins.
        winner, loser = (caller, leader) if caller.maximum > leader.maximum else (leader, caller)
        price = max(price, min(_least_bid(auction, loser.maximum), winner.maximum))
        if loser.maximum >= caller.amount and loser.maximum > loser.amount:
            rows.append(loser._replace(amount=loser.maximum, automatic=True))
    if price < auction.terms.reserve_price <= winner.maximum:
        price = auction.terms.reserve_price
    if price > winner.amount:
        rows.append(winner._replace(amount=price, automatic=True))
    return rows


def _least_bid(auction: Auction, price: int) -> int:
    """The least amount that beats a price on this auction."""
    return auction.minimum_next_bid if price == auction.price else least_bid(auction.terms, price)


def _accept(auction: Auction, at: datetime, rows: list[_Row]) -> Decision:
    """Write the rows as events, the first being the one to answer with, then the extension if there is one."""
    seq, bid_count, outbid = auction.seq, auction.bid_count, auction.leader_id
    minimum_next_bid = auction.minimum_next_bid
    events: list[BidPlaced | AuctionExtended] = []
    for row in rows:
        seq, bid_count, minimum_next_bid = seq + 1, bid_count + 1, least_bid(auction.terms, row.amount)
        events.append(
            BidPlaced(
                auction.item_id,
                seq,
                at,
                row.user_id,
                row.amount,
                row.maximum,
                row.automatic,
                outbid if outbid != row.user_id else None,
                bid_count,
                minimum_next_bid,
                auction.end_at,
            )
        )
        outbid = row.user_id
    last, last_bid_seq, end_at = rows[-1], seq, extended_end(auction, at)
    if end_at > auction.end_at:
        seq += 1
        events.append(AuctionExtended(auction.item_id, seq, at, end_at))
    after = Auction(
        auction.item_id,
        auction.terms,
        end_at,
        minimum_next_bid,
        last.amount,
        last.user_id,
        last.maximum,
        bid_count,
        last_bid_seq,
        seq,
        auction.revision + len(events),
    )
    return Decision(after, at, tuple(events), bid_seq=auction.seq + 1)
