"""A bidder's position: leading or outbid until the close, won or lost after it."""

from datetime import timedelta

from gavel.bids.domain.auction import Auction
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.positions import BidderPosition, position_of
from tests.unit.bids.auctions import ANNA, BELA, END, MIDWAY, led_by, listed


def _closed(auction: Auction) -> Auction:
    return close_due(auction, END + timedelta(seconds=1)).auction


def test_the_leader_leads_and_everyone_else_is_outbid() -> None:
    auction = led_by(BELA, 2_000, on=led_by(ANNA, 1_000, on=listed()))
    assert position_of(auction, BELA) is BidderPosition.LEADING
    assert position_of(auction, ANNA) is BidderPosition.OUTBID


def test_after_the_close_the_leader_has_won_and_everyone_else_has_lost() -> None:
    auction = _closed(led_by(BELA, 2_000, on=led_by(ANNA, 1_000, on=listed())))
    assert position_of(auction, BELA) is BidderPosition.WON
    assert position_of(auction, ANNA) is BidderPosition.LOST


def test_after_the_end_the_leader_has_not_won_before_the_close() -> None:
    auction = led_by(ANNA, 1_000, on=listed())
    ended = auction._replace(end_at=MIDWAY)
    assert position_of(ended, ANNA) is BidderPosition.LEADING
    assert position_of(_closed(auction), ANNA) is BidderPosition.WON


def test_a_leader_below_the_reserve_has_lost() -> None:
    auction = led_by(ANNA, 1_000, on=listed(reserve_price=5_000))
    assert position_of(auction, ANNA) is BidderPosition.LEADING
    assert position_of(_closed(auction), ANNA) is BidderPosition.LOST


def test_a_buyer_has_won_at_once() -> None:
    auction = led_by(ANNA, 1_000, on=listed(reserve_price=5_000, buy_now_price=6_000))
    bought = buy_now(auction, MIDWAY, BELA).auction
    assert position_of(bought, BELA) is BidderPosition.WON
    assert position_of(bought, ANNA) is BidderPosition.LOST
