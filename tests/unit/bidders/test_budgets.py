"""Budgets: a crowd bids prices up through the whole run, to what the items are worth, and no further."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavel.bids.domain.increments import AMOUNT_MAX, BidIncrement, increment_at
from gavel_tools.bidders.budgets import (
    BIDDER_SHARES,
    DEFAULT_BUDGET,
    UNLIMITED,
    WORTH_SHARES,
    Budget,
    budget_of,
    worth_of,
)
from gavel_tools.bidders.strategies import STRATEGIES, Bid, Buy, Rest, Sight, next_move, strategy_name

START_PRICE = 12_000
RUN_SECONDS = 20.0


def test_an_item_is_worth_a_share_of_so_many_start_prices_the_same_again_for_a_seed() -> None:
    worths = [worth_of(START_PRICE, 0, DEFAULT_BUDGET, 1, number) for number in range(50)]
    low, high = (START_PRICE * DEFAULT_BUDGET * share for share in WORTH_SHARES)
    assert low <= min(worths) < max(worths) <= high
    assert worths == [worth_of(START_PRICE, 0, DEFAULT_BUDGET, 1, number) for number in range(50)]
    assert worths != [worth_of(START_PRICE, 0, DEFAULT_BUDGET, 2, number) for number in range(50)]


def test_an_item_with_a_buy_now_price_is_worth_a_share_of_that() -> None:
    assert 70_000 <= worth_of(START_PRICE, 100_000, DEFAULT_BUDGET, 1, 0) <= 100_000


def test_without_a_budget_nothing_is_too_dear() -> None:
    assert worth_of(START_PRICE, 100_000, 0, 1, 0) == AMOUNT_MAX
    budget = budget_of(AMOUNT_MAX, START_PRICE, 0, RUN_SECONDS, seed=1, bidder=1, item=1)
    assert [budget.limit(now) for now in (0, RUN_SECONDS)] == [AMOUNT_MAX, AMOUNT_MAX]
    assert UNLIMITED.limit(0) == AMOUNT_MAX
    assert UNLIMITED.buys_at(AMOUNT_MAX)


def test_a_limit_rises_evenly_from_the_first_look_to_the_end() -> None:
    budget = Budget(opening=10_000, most=30_000, begins_at=100, ends_at=120)
    assert [budget.limit(now) for now in (100, 105, 110, 120, 500)] == [10_000, 15_000, 20_000, 30_000, 30_000]


def test_a_limit_is_never_above_the_budget_though_the_price_was_before() -> None:
    budget = Budget(opening=40_000, most=30_000, begins_at=100, ends_at=120)
    assert {budget.limit(now) for now in (100, 110, 120)} == {30_000}


def test_a_bidder_has_a_share_of_the_worth_of_an_item_its_own_and_the_same_again() -> None:
    def budgets(seed: int) -> list[int]:
        return [budget_of(30_000, 10_000, 0, 1, seed=seed, bidder=number, item=3).most for number in range(50)]

    low, high = (30_000 * share for share in BIDDER_SHARES)
    assert low <= min(budgets(1)) < max(budgets(1)) <= high
    assert budgets(1) == budgets(1) != budgets(2)


def test_a_buy_now_price_is_paid_by_who_has_nearly_as_much() -> None:
    assert [Budget(0, 9_000, 0, 1).buys_at(price) for price in (9_500, 10_000, 10_001)] == [True, True, False]


@pytest.mark.parametrize("name", STRATEGIES)
@given(
    price=st.integers(1, 10**9),
    increment=st.integers(1, 10**6),
    called=st.integers(0, 10**9),
    limit=st.integers(1, 2 * 10**9),
    leading=st.booleans(),
    seed=st.integers(),
)
def test_no_bidder_bids_above_its_limit_and_one_below_the_least_bid_waits(
    name: str, price: int, increment: int, called: int, limit: int, leading: bool, seed: int
) -> None:
    sight = Sight(price, price + increment, called, leading, 0, 1.0, limit)
    move = next_move(STRATEGIES[name], sight, Random(seed))
    if price + increment > limit:
        assert isinstance(move, Rest)
    elif isinstance(move, Bid):
        assert price + increment <= move.amount <= limit
        assert move.max_amount == 0 or move.amount < move.max_amount <= limit


def test_a_maximum_at_the_limit_is_a_round_one() -> None:
    sight = Sight(20_000, 20_100, 0, leading=False, buy_now_price=0, seconds_left=60, limit=21_397)
    moves = [next_move(STRATEGIES["proxy"], sight, Random(seed)) for seed in range(50)]
    assert {move.max_amount for move in moves if isinstance(move, Bid)} >= {21_000}
    assert {move.max_amount % 100 for move in moves if isinstance(move, Bid)} == {0}


def a_run(seed: int, bidders: int = 30) -> list[tuple[float, int]]:
    """A crowd on one item, a tenth of a second a turn: the times and amounts of its bids."""
    worth = worth_of(START_PRICE, 0, DEFAULT_BUDGET, seed, 0)
    budgets = [
        budget_of(worth, START_PRICE, 0, RUN_SECONDS, seed=seed, bidder=number, item=0) for number in range(bidders)
    ]
    price, leader, random, bids = 0, -1, Random(seed), list[tuple[float, int]]()
    for tenth in range(int(RUN_SECONDS * 10)):
        for number in random.sample(range(bidders), bidders):
            least = price + increment_at(price, BidIncrement(), "USD") if price else START_PRICE
            limit = budgets[number].limit(tenth / 10)
            sight = Sight(price, least, price, number == leader, 0, float("inf"), limit)
            move = next_move(STRATEGIES[strategy_name(number)], sight, random)
            assert not isinstance(move, Buy)
            if isinstance(move, Bid) and number != leader:
                price, leader = move.amount, number
                bids.append((tenth / 10, price))
    return bids


@pytest.mark.parametrize("seed", range(10))
def test_prices_rise_through_the_whole_run_and_end_where_a_person_believes_them(seed: int) -> None:
    bids = a_run(seed)
    assert 1.5 * START_PRICE <= bids[-1][1] <= 3 * START_PRICE
    assert {int(at / RUN_SECONDS * 5) for at, _ in bids} == {0, 1, 2, 3, 4}
