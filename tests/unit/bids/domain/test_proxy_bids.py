"""Proxy bids: who leads, at which price, and which rows a bid against a leader writes."""

from itertools import product

import pytest

from gavel.bids.domain.bidding import new_bid, place_bid
from gavel.bids.domain.refusals import BidRefusal, BidRefused
from tests.unit.bids.auctions import ANNA, BELA, CARLA, DAVID, MIDWAY, SELLER, Row, bid, led_by, listed, outcome, rows
from tests.unit.bids.naive_house import NaiveHouse


def test_the_worked_bidding_war() -> None:
    auction = led_by(ANNA, 1_000, 5_000, on=listed())

    decision = bid(auction, BELA, 2_000)
    assert rows(decision.events) == [Row(BELA, 2_000, False), Row(ANNA, 2_100, True)]

    decision = bid(decision.auction, BELA, 2_200, 6_000)
    assert rows(decision.events) == [Row(BELA, 2_200, False), Row(ANNA, 5_000, True), Row(BELA, 5_100, True)]

    decision = bid(decision.auction, CARLA, 5_200, 6_000)
    assert rows(decision.events) == [Row(CARLA, 5_200, False), Row(CARLA, 6_000, True), Row(BELA, 6_000, True)]

    with pytest.raises(BidRefused) as refusal:
        bid(decision.auction, DAVID, 6_000)
    assert refusal.value.reason is BidRefusal.TOO_LOW
    assert decision.auction.leader_id == BELA


@pytest.mark.parametrize(
    ("amount", "maximum", "written"),
    [
        # Against Anna, who leads at 1,000 with a maximum of 2,000; the increment is 100.
        pytest.param(1_100, 0, [(BELA, 1_100), (ANNA, 1_200)], id="a plain bid below it is answered"),
        pytest.param(1_950, 0, [(BELA, 1_950), (ANNA, 2_000)], id="the answer stops at the maximum"),
        pytest.param(2_000, 0, [(BELA, 2_000), (ANNA, 2_000)], id="an equal bid loses to the earlier maximum"),
        pytest.param(1_100, 1_500, [(BELA, 1_100), (BELA, 1_500), (ANNA, 1_600)], id="the lower maximum is shown"),
        pytest.param(1_100, 2_000, [(BELA, 1_100), (BELA, 2_000), (ANNA, 2_000)], id="equal maxima: the earlier leads"),
        pytest.param(1_100, 2_050, [(BELA, 1_100), (ANNA, 2_000), (BELA, 2_050)], id="a raise stops at the winner's"),
        pytest.param(1_100, 3_000, [(BELA, 1_100), (ANNA, 2_000), (BELA, 2_100)], id="the higher maximum leads"),
        pytest.param(2_000, 3_000, [(BELA, 2_000), (ANNA, 2_000), (BELA, 2_100)], id="an equal amount is beaten first"),
        pytest.param(2_050, 0, [(BELA, 2_050)], id="a bid above it stands as it is"),
        pytest.param(2_050, 3_000, [(BELA, 2_050), (BELA, 2_100)], id="and is raised to one increment more"),
        pytest.param(2_100, 3_000, [(BELA, 2_100)], id="but no further"),
        pytest.param(2_500, 3_000, [(BELA, 2_500)], id="a bid is shown at once, whatever would have been enough"),
    ],
)
def test_the_rows_of_a_bid_against_a_leader(amount: int, maximum: int, written: list[tuple[str, int]]) -> None:
    decision = bid(led_by(ANNA, 1_000, 2_000, on=listed()), BELA, amount, maximum)
    assert [(row.user_id, row.amount) for row in rows(decision.events)] == written
    assert [row.automatic for row in rows(decision.events)] == [False] + [True] * (len(written) - 1)


def test_a_bidder_who_lost_may_bid_again_with_a_lower_maximum_than_before() -> None:
    auction = led_by(BELA, 1_100, 3_000, on=led_by(ANNA, 1_000, 5_000, on=listed()))
    assert auction.price == 3_100
    assert rows(bid(auction, BELA, 3_200, 3_300).events)[-1] == Row(ANNA, 3_400, True)


def test_the_increment_between_maxima_is_that_of_the_lower_maximum() -> None:
    # The house table: 1.00 over 199.99, but 5.00 over 200.00.
    auction = led_by(ANNA, 100_00, 500_00, on=listed(increment=0))
    assert bid(auction, BELA, 150_00, 199_99).auction.price == 200_99
    assert bid(auction, BELA, 150_00, 200_00).auction.price == 205_00


def test_every_combination_of_small_numbers_agrees_with_a_sorted_list_of_maxima() -> None:
    tried = 0
    for increment, reserve in product((1, 3), (0, 6, 9)):
        start = listed(start_price=2, increment=increment, reserve_price=reserve)
        for first, first_maximum, amount, maximum in product(range(2, 7), range(2, 10), range(3, 10), range(3, 11)):
            if first > first_maximum or amount > maximum:
                continue
            house = NaiveHouse(
                seller=SELLER, raise_over=lambda _, by=increment: by, start_price=2, reserve=reserve, end=10
            )
            auction = start
            for user_id, asked, upto in (
                (ANNA, first, first_maximum),
                (BELA, amount, maximum),
                (CARLA, amount + 2, maximum + 2),
                (BELA, amount + 3, maximum + 3),
            ):
                auction, written = outcome(auction, place_bid, MIDWAY, new_bid(user_id, asked, upto))
                assert written == house.bid(0, user_id, asked, upto)
                assert (auction.price, auction.leader_id) == (house.price, house.leader)
                assert auction.leader_maximum == house.maxima[0].maximum
                tried += isinstance(written, list)
    assert tried > 10_000
