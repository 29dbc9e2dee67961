"""What bidders do next: the same again for the same seed, and never less than is needed."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavel.bids.domain.increments import AMOUNT_MAX
from gavel_tools.bidders.strategies import (
    BUY_NOW_SHARE,
    SNIPE_SECONDS,
    STRATEGIES,
    Bid,
    Buy,
    Move,
    Rest,
    Sight,
    next_move,
    proxy,
    sniper,
    strategy_name,
)

strategy = pytest.mark.parametrize("name", STRATEGIES)


def sight(
    price: int = 1_000,
    minimum_next_bid: int = 1_050,
    called: int = 0,
    *,
    leading: bool = False,
    buy_now_price: int = 0,
    seconds_left: float = math.inf,
) -> Sight:
    return Sight(price, minimum_next_bid, called, leading, buy_now_price, seconds_left)


def a_war(name: str, seed: int) -> list[Move]:
    """A hundred moves of one bidder on an item whose price goes up by 50 each time."""
    random = Random(seed)
    return [
        next_move(STRATEGIES[name], sight(price, price + 50, price + 70, buy_now_price=9_000), random)
        for price in range(1_000, 6_000, 50)
    ]


@strategy
def test_the_same_seed_makes_the_same_moves(name: str) -> None:
    assert a_war(name, 7) == a_war(name, 7)


@strategy
def test_another_seed_makes_other_moves(name: str) -> None:
    assert a_war(name, 7) != a_war(name, 8)


@strategy
@given(
    price=st.integers(0, AMOUNT_MAX),
    increment=st.integers(1, 10**13),
    called=st.integers(0, AMOUNT_MAX),
    seconds_left=st.sampled_from([0.0, SNIPE_SECONDS, math.inf]),
    seed=st.integers(),
)
def test_a_bid_is_never_below_the_least_nor_above_what_can_be_bid(
    name: str, price: int, increment: int, called: int, seconds_left: float, seed: int
) -> None:
    least = min(price + increment, AMOUNT_MAX)
    seen = sight(price, least, called, seconds_left=seconds_left)
    move = STRATEGIES[name](seen, Random(seed))
    assert isinstance(move, Bid)
    assert least <= move.amount <= AMOUNT_MAX
    assert move.max_amount == 0 or move.amount <= move.max_amount <= AMOUNT_MAX


@pytest.mark.parametrize("name", ["incremental", "jumper", "sniper"])
def test_a_leader_rests(name: str) -> None:
    move = STRATEGIES[name](sight(leading=True, seconds_left=1.0), Random(1))
    assert isinstance(move, Rest)
    assert move.seconds > 0


def test_a_proxy_bids_with_a_maximum_above_its_amount() -> None:
    move = proxy(sight(), Random(1))
    assert isinstance(move, Bid)
    assert move.max_amount > move.amount


def test_a_leading_proxy_raises_its_maximum_now_and_then() -> None:
    random = Random(1)
    moves = [proxy(sight(leading=True), random) for _ in range(200)]
    raises = [move for move in moves if isinstance(move, Bid)]
    assert 20 < len(raises) < 60
    assert all(isinstance(move, Rest) for move in moves if move not in raises)


def test_a_sniper_waits_for_the_last_moments_of_an_auction() -> None:
    move = sniper(sight(seconds_left=60.0), Random(1))
    assert isinstance(move, Rest)
    assert 60.0 - SNIPE_SECONDS <= move.seconds < 60.0
    assert isinstance(sniper(sight(seconds_left=60.0 - move.seconds), Random(1)), Bid)


def test_a_sniper_does_not_wait_for_an_end_that_comes_after_the_run() -> None:
    assert isinstance(sniper(sight(seconds_left=math.inf), Random(1)), Bid)


@strategy
def test_a_buy_now_price_is_taken_now_and_then_and_only_where_there_is_one(name: str) -> None:
    random = Random(1)
    offered = [next_move(STRATEGIES[name], sight(buy_now_price=9_000), random) for _ in range(2_000)]
    bought = [move for move in offered if isinstance(move, Buy)]
    assert set(bought) == {Buy(9_000)}
    assert len(bought) == pytest.approx(2_000 * BUY_NOW_SHARE, rel=0.5)
    assert not any(isinstance(next_move(STRATEGIES[name], sight(), random), Buy) for _ in range(500))


def test_before_the_first_bid_the_increment_is_guessed_from_the_start_price() -> None:
    assert sight(0, 2_000).raise_by == 100
    assert sight(0, 1).raise_by == 1
    assert sight(1_000, 1_050).raise_by == 50


def test_bidding_over_the_crowd_beats_what_is_called_and_what_is_needed() -> None:
    assert sight(1_000, 1_050).over_the_crowd == 1_050
    assert sight(1_000, 1_050, 1_300).over_the_crowd == 1_350
    assert sight(1_000, 1_050, 900).over_the_crowd == 1_050


def test_ten_bidders_in_a_row_have_every_strategy() -> None:
    assert {strategy_name(number) for number in range(30, 40)} == set(STRATEGIES)
