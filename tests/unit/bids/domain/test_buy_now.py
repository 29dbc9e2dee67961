"""Buy-now: when it may be had, and that it ends the auction at once."""

from datetime import datetime

import pytest

from gavel.bids.domain.auction import Auction, UserId
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.events import AuctionClosed, BidPlaced
from gavel.bids.domain.refusals import BidRefusal, BidRefused
from tests.unit.bids.auctions import (
    ANNA,
    BELA,
    END,
    MICROSECOND,
    MIDWAY,
    SELLER,
    START,
    Row,
    bid,
    cancelled,
    led_by,
    listed,
    rows,
)


def _offered(reserve_price: int = 0) -> Auction:
    return listed(buy_now_price=5_000, reserve_price=reserve_price)


@pytest.mark.parametrize(
    ("auction", "available"),
    [
        pytest.param(listed(), False, id="not where there is no such price"),
        pytest.param(_offered(), True, id="while there is no bid"),
        pytest.param(led_by(ANNA, 1_000, on=_offered()), False, id="not after a bid, without a reserve"),
        pytest.param(_offered(3_000), True, id="while there is no bid, with a reserve"),
        pytest.param(
            led_by(ANNA, 1_000, 2_999, on=_offered(3_000)), True, id="after bids that do not meet the reserve"
        ),
        pytest.param(led_by(ANNA, 1_000, 3_000, on=_offered(3_000)), False, id="not once the reserve is met"),
        pytest.param(led_by(ANNA, 4_999, on=_offered(5_000)), True, id="while the price is below it"),
        pytest.param(led_by(ANNA, 5_000, on=_offered(5_000)), False, id="not where the price has reached it"),
    ],
)
def test_buy_now_may_be_had(auction: Auction, available: bool) -> None:
    assert auction.buy_now_available_at(MIDWAY) is available
    if available:
        assert buy_now(auction, MIDWAY, BELA).auction.leader_id == BELA
    else:
        with pytest.raises(BidRefused) as refusal:
            buy_now(auction, MIDWAY, BELA)
        assert refusal.value.reason is BidRefusal.BUY_NOW_UNAVAILABLE


@pytest.mark.parametrize(
    ("auction", "at", "reason"),
    [
        (cancelled(_offered()), MIDWAY, BidRefusal.CANCELLED),
        (_offered(), END, BidRefusal.ENDED),
        (_offered(), START - MICROSECOND, BidRefusal.NOT_STARTED),
        (buy_now(_offered(), MIDWAY, ANNA).auction, MIDWAY + MICROSECOND, BidRefusal.ENDED),
    ],
)
def test_buy_now_is_refused_where_a_bid_would_be(auction: Auction, at: datetime, reason: BidRefusal) -> None:
    assert not auction.buy_now_available_at(at)
    with pytest.raises(BidRefused) as refusal:
        buy_now(auction, at, BELA)
    assert refusal.value.reason is reason


def test_the_seller_is_checked_before_anything_else() -> None:
    for auction in (_offered(), cancelled(_offered()), listed()):
        with pytest.raises(BidRefused) as refusal:
            buy_now(auction, END, SELLER)
        assert refusal.value.reason is BidRefusal.SELLER


def test_it_writes_the_buyers_bid_and_then_the_close() -> None:
    placed, close = buy_now(_offered(), MIDWAY, BELA).events
    assert rows([placed]) == [Row(BELA, 5_000, automatic=False)]
    assert close == AuctionClosed(placed.item_id, 3, MIDWAY, sold=True, winner_id=BELA, amount=5_000)


def test_it_ends_the_auction_at_once_with_the_last_bids_bidder_as_the_winner() -> None:
    decision = buy_now(led_by(ANNA, 1_000, on=_offered(3_000)), MIDWAY, BELA)
    after = decision.auction
    assert (after.end_at, after.closed_at, after.sold) == (MIDWAY, MIDWAY, True)
    assert (after.leader_id, after.price, after.bid_count, after.seq, after.last_bid_seq) == (BELA, 5_000, 2, 4, 3)
    assert (decision.bid_seq, after.revision) == (3, 4)
    with pytest.raises(BidRefused) as refusal:
        bid(after, ANNA, 9_000, at=MIDWAY)
    assert refusal.value.reason is BidRefusal.ENDED


def test_the_bid_was_accepted_before_the_end_that_was_in_force() -> None:
    placed = buy_now(_offered(), MIDWAY, BELA).events[0]
    assert isinstance(placed, BidPlaced)
    assert placed.at < placed.end_at == END


@pytest.mark.parametrize(("buyer", "outbid"), [(BELA, ANNA), (ANNA, None)])
def test_the_leader_may_buy_too_and_outbids_no_user(buyer: UserId, outbid: UserId | None) -> None:
    placed = buy_now(led_by(ANNA, 1_000, on=_offered(3_000)), MIDWAY, buyer).events[0]
    assert isinstance(placed, BidPlaced)
    assert placed.outbid_user_id == outbid


def test_a_bought_item_is_not_closed_again() -> None:
    bought = buy_now(_offered(), MIDWAY, BELA).auction
    assert close_due(bought, END).auction is bought


def test_buying_in_the_last_moment_extends_nothing() -> None:
    decision = buy_now(_offered(), END - MICROSECOND, BELA)
    assert decision.auction.end_at == END - MICROSECOND
    assert len(decision.events) == 2


def test_a_hidden_maximum_does_not_raise_what_the_buyer_pays() -> None:
    led = led_by(ANNA, 1_000, 2_999, on=_offered(3_000))
    assert buy_now(led, MIDWAY, BELA).auction.price == 5_000
