"""The close: once, not before the end, with the leader as the winner."""

from datetime import datetime

import pytest

from gavel.bids.domain.auction import Auction, Status
from gavel.bids.domain.changing import cancel_item
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.events import AuctionClosed
from tests.unit.bids.auctions import (
    ANNA,
    BELA,
    END,
    ITEM,
    MICROSECOND,
    MIDWAY,
    SELLER,
    START,
    bid,
    led_by,
    listed,
    seconds,
)


@pytest.mark.parametrize("at", [END, END + MICROSECOND, END + seconds(86_400)])
def test_a_due_auction_is_closed_with_its_leader_as_the_winner(at: datetime) -> None:
    led = led_by(BELA, 1_100, 2_000, on=led_by(ANNA, 1_000, on=listed()))
    decision = close_due(led, at)
    assert decision.events == (AuctionClosed(ITEM, 4, at, sold=True, winner_id=BELA, amount=1_100),)
    assert decision.auction == led._replace(closed_at=at, seq=4, revision=led.revision + 1)


def test_an_auction_without_a_bid_ends_unsold() -> None:
    [close] = close_due(listed(), END).events
    assert close == AuctionClosed(ITEM, 2, END, sold=False, winner_id=None, amount=0)


@pytest.mark.parametrize(
    "auction",
    [
        pytest.param(close_due(listed(), END).auction, id="closed already"),
        pytest.param(cancel_item(listed(), MIDWAY, SELLER).auction, id="cancelled"),
        pytest.param(bid(listed(), ANNA, 1_000, at=END - seconds(1)).auction, id="extended meanwhile"),
    ],
)
def test_what_is_closed_cancelled_or_not_due_stays_as_it_is(auction: Auction) -> None:
    decision = close_due(auction, END + seconds(1))
    assert decision.auction is auction
    assert decision.events == ()


def test_one_microsecond_before_its_end_an_auction_is_not_due() -> None:
    assert close_due(listed(), END - MICROSECOND).events == ()


def test_the_winner_pays_the_visible_price_not_the_maximum() -> None:
    [close] = close_due(led_by(ANNA, 1_000, 9_000, on=listed()), END).events
    assert isinstance(close, AuctionClosed)
    assert close.amount == 1_000


@pytest.mark.parametrize(
    ("auction", "at", "status"),
    [
        (listed(), START - MICROSECOND, Status.SCHEDULED),
        (listed(), START, Status.ACTIVE),
        (listed(), END - MICROSECOND, Status.ACTIVE),
        (listed(), END, Status.ENDED),
        (close_due(listed(), END).auction, END, Status.ENDED),
        (close_due(listed(), END).auction, MIDWAY, Status.ENDED),
        (cancel_item(listed(), MIDWAY, SELLER).auction, MIDWAY, Status.CANCELLED),
        (cancel_item(listed(), MIDWAY, SELLER).auction, END, Status.CANCELLED),
        (cancel_item(listed(), START - seconds(1), SELLER).auction, START - seconds(1), Status.CANCELLED),
    ],
)
def test_the_status_is_what_the_clock_says_until_an_auction_is_closed_or_cancelled(
    auction: Auction, at: datetime, status: Status
) -> None:
    assert auction.status_at(at) is status
