"""The early refusal: what an older state may answer, and what it must leave to the decision."""

from datetime import datetime

import pytest

from gavel.bids.domain.auction import Auction, UserId
from gavel.bids.domain.bidding import new_bid, refuse_early
from gavel.bids.domain.refusals import BidRefusal, BidRefused
from tests.unit.bids.auctions import ANNA, BELA, END, MICROSECOND, MIDWAY, SELLER, START, cancelled, led_by, listed

SEEN = led_by(ANNA, 1_000, on=listed())


@pytest.mark.parametrize(("auction", "amount"), [(SEEN, 1), (SEEN, 1_099), (listed(), 999)])
def test_a_bid_below_a_minimum_that_was_seen_is_refused(auction: Auction, amount: int) -> None:
    with pytest.raises(BidRefused) as refusal:
        refuse_early(auction, MIDWAY, new_bid(BELA, amount, 0))
    assert refusal.value.reason is BidRefusal.TOO_LOW
    assert refusal.value.minimum_next_bid == auction.minimum_next_bid


@pytest.mark.parametrize(
    ("auction", "at", "user_id", "amount", "maximum"),
    [
        pytest.param(SEEN, MIDWAY, BELA, 1_100, 0, id="a bid that meets the minimum"),
        pytest.param(SEEN, MIDWAY, BELA, 1, 5_000, id="a bid with a maximum"),
        pytest.param(SEEN, MIDWAY, ANNA, 1, 0, id="the leader's"),
        pytest.param(SEEN, MIDWAY, SELLER, 1, 0, id="the seller's"),
        pytest.param(SEEN, END, BELA, 1, 0, id="one on an item that has ended"),
        pytest.param(SEEN, START - MICROSECOND, BELA, 1, 0, id="one on an item that has not started"),
        pytest.param(cancelled(listed()), MIDWAY, BELA, 1, 0, id="one on an item that was cancelled"),
    ],
)
def test_everything_else_is_left_to_the_decision(
    auction: Auction, at: datetime, user_id: UserId, amount: int, maximum: int
) -> None:
    refuse_early(auction, at, new_bid(user_id, amount, maximum))
    assert auction.minimum_next_bid > 0
