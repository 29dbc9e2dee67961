"""The reserve: hidden, reached by a maximum, and decisive at the end."""

import pytest

from gavel.bids.domain.auction import Auction, ReserveState, SoftClose
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.events import AuctionClosed, AuctionExtended
from gavel.bids.domain.refusals import BidRefusal, BidRefused
from tests.unit.bids.auctions import ANNA, BELA, END, Row, bid, led_by, listed, rows, seconds


def _reserved(reserve_price: int = 3_000) -> Auction:
    return listed(reserve_price=reserve_price)


@pytest.mark.parametrize(
    ("auction", "state"),
    [
        (listed(), ReserveState.NONE),
        (led_by(ANNA, 1_000, on=listed()), ReserveState.NONE),
        (_reserved(), ReserveState.NOT_MET),
        (led_by(ANNA, 2_900, 2_999, on=_reserved()), ReserveState.NOT_MET),
        (led_by(ANNA, 1_000, 3_000, on=_reserved()), ReserveState.MET),
        (led_by(ANNA, 3_000, on=_reserved()), ReserveState.MET),
    ],
)
def test_all_that_shows_of_a_reserve_is_whether_it_is_met(auction: Auction, state: ReserveState) -> None:
    assert auction.reserve_state is state


@pytest.mark.parametrize(
    ("amount", "maximum", "written"),
    [
        pytest.param(1_000, 2_999, [Row(ANNA, 1_000, False)], id="a maximum below it lifts nothing"),
        pytest.param(
            1_000, 3_000, [Row(ANNA, 1_000, False), Row(ANNA, 3_000, True)], id="a maximum that reaches it does"
        ),
        pytest.param(
            1_000, 9_000, [Row(ANNA, 1_000, False), Row(ANNA, 3_000, True)], id="to the reserve and no further"
        ),
        pytest.param(3_000, 9_000, [Row(ANNA, 3_000, False)], id="a bid at it needs no lift"),
        pytest.param(4_000, 0, [Row(ANNA, 4_000, False)], id="nor one above it"),
    ],
)
def test_a_maximum_that_reaches_the_reserve_lifts_the_price_to_it_at_once(
    amount: int, maximum: int, written: list[Row]
) -> None:
    assert rows(bid(_reserved(), ANNA, amount, maximum).events) == written


def test_a_winner_against_another_maximum_is_lifted_to_the_reserve_in_one_row() -> None:
    auction = led_by(ANNA, 1_000, 2_000, on=_reserved())
    decision = bid(auction, BELA, 1_100, 5_000)
    assert rows(decision.events) == [Row(BELA, 1_100, False), Row(ANNA, 2_000, True), Row(BELA, 3_000, True)]


def test_a_maximum_just_over_the_reserve_pays_the_raise_over_the_loser_where_that_is_more() -> None:
    auction = led_by(ANNA, 1_000, 2_950, on=_reserved())
    assert bid(auction, BELA, 1_100, 5_000).auction.price == 3_050


def test_a_leaders_raise_that_reaches_the_reserve_lifts_the_price_by_an_automatic_bid() -> None:
    auction = led_by(ANNA, 1_000, 2_000, on=_reserved())
    decision = bid(auction, ANNA, 1_000, 4_000)
    assert rows(decision.events) == [Row(ANNA, 3_000, True)]
    assert decision.bid_seq == decision.auction.last_bid_seq == auction.seq + 1
    assert decision.auction.leader_maximum == 4_000
    assert not decision.raised_maximum


def test_a_leaders_raise_that_stays_below_the_reserve_moves_nothing() -> None:
    decision = bid(led_by(ANNA, 1_000, 2_000, on=_reserved()), ANNA, 1_000, 2_999)
    assert (decision.events, decision.auction.price, decision.raised_maximum) == ((), 1_000, True)


def test_a_leaders_raise_after_the_reserve_is_met_moves_nothing() -> None:
    decision = bid(led_by(ANNA, 3_000, on=_reserved()), ANNA, 3_000, 9_000)
    assert (decision.events, decision.auction.price) == ((), 3_000)


def test_a_lift_extends_the_auction_like_any_accepted_bid_and_a_raise_that_moves_nothing_does_not() -> None:
    auction = listed(reserve_price=3_000, soft_close=SoftClose(window_seconds=60, extension_seconds=60))
    auction = led_by(ANNA, 1_000, on=auction)
    late = END - seconds(10)
    assert bid(auction, ANNA, 1_000, 2_000, at=late).auction.end_at == END
    lifted = bid(auction, ANNA, 1_000, 3_000, at=late)
    assert lifted.auction.end_at == END + seconds(50)
    assert isinstance(lifted.events[-1], AuctionExtended)


@pytest.mark.parametrize(("maximum", "sold", "amount"), [(2_999, False, 0), (3_000, True, 3_000), (9_000, True, 3_000)])
def test_an_auction_whose_reserve_is_not_met_ends_unsold(maximum: int, sold: bool, amount: int) -> None:
    [close] = close_due(led_by(ANNA, 1_000, maximum, on=_reserved()), END).events
    assert isinstance(close, AuctionClosed)
    assert (close.sold, close.winner_id, close.amount) == (sold, ANNA if sold else None, amount)


def test_the_reserve_is_no_least_bid() -> None:
    auction = led_by(ANNA, 1_000, on=_reserved())
    assert auction.minimum_next_bid == 1_100
    with pytest.raises(BidRefused) as refusal:
        bid(auction, BELA, 1_099)
    assert (refusal.value.reason, refusal.value.minimum_next_bid) == (BidRefusal.TOO_LOW, 1_100)
