"""Soft close: an accepted bid in the last moments moves the end, within bounds."""

import pytest

from gavel.bids.domain.auction import Auction, SoftClose
from gavel.bids.domain.events import AuctionExtended, BidPlaced
from gavel.bids.domain.refusals import BidRefusal, BidRefused
from tests.unit.bids.auctions import ANNA, BELA, END, MICROSECOND, MIDWAY, bid, led_by, listed, rows, seconds


def _softly(window: int, extension: int, most: int) -> Auction:
    rule = SoftClose(window_seconds=window, extension_seconds=extension, max_extension_seconds=most)
    return listed(soft_close=rule)


def test_the_house_default_is_a_minute_for_a_minute_up_to_half_an_hour() -> None:
    assert SoftClose() == SoftClose(window_seconds=60, extension_seconds=60, max_extension_seconds=1_800)


@pytest.mark.parametrize(
    ("rule", "seconds_left", "moved_by"),
    [
        pytest.param((60, 60, 1_800), 61, 0, id="before the window nothing moves"),
        pytest.param((60, 60, 1_800), 60, 0, id="at its edge the end is far enough already"),
        pytest.param((60, 60, 1_800), 59, 1, id="inside it the end is that of the bid plus the extension"),
        pytest.param((60, 60, 1_800), 1, 59, id="to the last second"),
        pytest.param((60, 90, 1_800), 60, 30, id="the edge belongs to the window"),
        pytest.param((60, 90, 1_800), 61, 0, id="outside is outside, however long the extension"),
        pytest.param((60, 10, 1_800), 50, 0, id="an end far enough away is never moved back"),
        pytest.param((60, 10, 1_800), 5, 5, id="a short extension counts from the bid too"),
        pytest.param((1, 60, 1_800), 1, 59, id="a window of a second is one"),
        pytest.param((1, 60, 1_800), 2, 0, id="and no more than that"),
        pytest.param((60, 60, 20), 5, 20, id="never beyond the scheduled end plus the most that is allowed"),
        pytest.param((60, 60, 0), 5, 0, id="and not at all where nothing is allowed"),
        pytest.param((0, 60, 1_800), 1, 0, id="a window of 0 switches it off"),
    ],
)
def test_a_bid_in_the_window_moves_the_end(rule: tuple[int, int, int], seconds_left: int, moved_by: int) -> None:
    decision = bid(_softly(*rule), ANNA, 1_000, at=END - seconds(seconds_left))
    assert decision.auction.end_at == END + seconds(moved_by)
    extensions = [event for event in decision.events if isinstance(event, AuctionExtended)]
    assert [event.end_at for event in extensions] == ([END + seconds(moved_by)] if moved_by else [])


def test_one_microsecond_before_the_window_is_before_it() -> None:
    auction = _softly(60, 90, 1_800)
    assert bid(auction, ANNA, 1_000, at=END - seconds(60) - MICROSECOND).auction.end_at == END
    assert (
        bid(auction, ANNA, 1_000, at=END - seconds(60) + MICROSECOND).auction.end_at == END + seconds(30) + MICROSECOND
    )


def test_extensions_add_up_to_the_most_that_is_allowed_and_no_further() -> None:
    auction, ends = _softly(60, 60, 100), list[float]()
    for number in range(4):
        at = auction.end_at - seconds(1)
        auction = bid(auction, (ANNA, BELA)[number % 2], 1_000 + 100 * number, at=at).auction
        ends.append((auction.end_at - END).total_seconds())
    assert ends == [59, 100, 100, 100]


def test_the_window_lies_before_the_end_in_force_not_the_scheduled_one() -> None:
    auction = bid(_softly(60, 60, 1_800), ANNA, 1_000, at=END - seconds(1)).auction
    assert bid(auction, BELA, 1_100, at=END - seconds(1)).auction.end_at == auction.end_at
    assert bid(auction, BELA, 1_100, at=END + seconds(9)).auction.end_at == END + seconds(69)


def test_a_bid_between_the_scheduled_end_and_the_end_in_force_is_accepted() -> None:
    auction = bid(_softly(60, 60, 1_800), ANNA, 1_000, at=END - seconds(1)).auction
    assert bid(auction, BELA, 1_100, at=END + seconds(58)).auction.leader_id == BELA
    with pytest.raises(BidRefused) as refusal:
        bid(auction, BELA, 1_100, at=END + seconds(59))
    assert (refusal.value.reason, refusal.value.end_at) == (BidRefusal.ENDED, END + seconds(59))


def test_a_refused_bid_moves_nothing() -> None:
    auction = led_by(ANNA, 1_000, on=_softly(60, 60, 1_800))
    with pytest.raises(BidRefused) as refusal:
        bid(auction, BELA, 1_099, at=END - seconds(1))
    assert refusal.value.end_at == auction.end_at == END


def test_a_raised_maximum_is_no_bid_and_moves_nothing() -> None:
    auction = led_by(ANNA, 1_000, on=_softly(60, 60, 1_800))
    assert bid(auction, ANNA, 1_000, 5_000, at=END - seconds(1)).auction.end_at == END


def test_the_extension_is_one_event_after_all_bids_of_its_decision() -> None:
    auction = led_by(ANNA, 1_000, 2_000, on=_softly(60, 60, 1_800))
    decision = bid(auction, BELA, 1_100, 3_000, at=END - seconds(1))
    *bids, extension = decision.events
    assert len(rows(bids)) == 3
    assert isinstance(extension, AuctionExtended)
    assert (extension.seq, decision.auction.seq) == (6, 6)
    assert decision.auction.last_bid_seq == 5


def test_the_bids_of_a_decision_have_the_end_they_were_accepted_before() -> None:
    decision = bid(_softly(60, 60, 1_800), ANNA, 1_000, at=END - seconds(1))
    assert [e.end_at for e in decision.events if isinstance(e, BidPlaced)] == [END]


def test_a_bid_midway_makes_no_extension() -> None:
    assert len(bid(listed(), ANNA, 1_000, at=MIDWAY).events) == 1
