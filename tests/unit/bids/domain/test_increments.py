"""Increments: the item's own, else the house table."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavel.bids.domain.auction import least_bid
from gavel.bids.domain.increments import AMOUNT_MAX, BASIS_POINTS_MAX, BidIncrement, increment_at
from tests.unit.bids.auctions import listed

HOUSE = BidIncrement()

currencies = st.sampled_from(["USD", "JPY", "BHD", "CLF"])
prices = st.one_of(st.integers(1, 30_000_00), st.integers(1, AMOUNT_MAX))
increments = st.builds(
    BidIncrement, fixed=st.one_of(st.just(0), st.integers(0, AMOUNT_MAX)), basis_points=st.integers(0, BASIS_POINTS_MAX)
)


@pytest.mark.parametrize(
    ("price", "raise_by"),
    [
        (1, 50),
        (19_99, 50),
        (20_00, 1_00),
        (199_99, 1_00),
        (200_00, 5_00),
        (999_99, 5_00),
        (1_000_00, 10_00),
        (4_999_99, 10_00),
        (5_000_00, 50_00),
        (24_999_99, 50_00),
        (25_000_00, 100_00),
        (AMOUNT_MAX, 100_00),
    ],
)
def test_the_house_table_at_its_edges_in_dollars(price: int, raise_by: int) -> None:
    assert increment_at(price, HOUSE, "USD") == raise_by


@pytest.mark.parametrize(
    ("price", "raise_by"),
    [(1, 1), (19, 1), (20, 1), (199, 1), (200, 5), (999, 5), (1_000, 10), (5_000, 50), (24_999, 50), (25_000, 100)],
)
def test_in_yen_half_a_major_unit_is_rounded_up_to_one_minor_unit(price: int, raise_by: int) -> None:
    assert increment_at(price, HOUSE, "JPY") == raise_by


@pytest.mark.parametrize(
    ("price", "raise_by"),
    [(19_999, 500), (20_000, 1_000), (199_999, 1_000), (200_000, 5_000), (24_999_999, 50_000), (25_000_000, 100_000)],
)
def test_in_dinars_a_major_unit_has_a_thousand_minor_ones(price: int, raise_by: int) -> None:
    assert increment_at(price, HOUSE, "BHD") == raise_by


@pytest.mark.parametrize(
    ("fixed", "basis_points", "price", "raise_by"),
    [
        pytest.param(250, 0, 1, 250, id="a fixed raise"),
        pytest.param(250, 0, AMOUNT_MAX, 250, id="is the same at every price"),
        pytest.param(1, 0, 1_000_00, 1, id="and may be below the house table's"),
        pytest.param(0, 100, 10_000, 100, id="a hundred basis points are one percent"),
        pytest.param(0, 100, 10_001, 101, id="percent rounds up"),
        pytest.param(0, 100, 10_100, 101, id="but not where there is nothing to round"),
        pytest.param(0, 1, 1, 1, id="at least one minor unit"),
        pytest.param(0, 10_000, 777, 777, id="at most the price itself"),
        pytest.param(250, 100, 24_999, 250, id="the larger part counts: the fixed one"),
        pytest.param(250, 100, 25_001, 251, id="the larger part counts: the share"),
        pytest.param(0, 1, AMOUNT_MAX, 10**11, id="exact at the largest amount"),
    ],
)
def test_an_items_own_increment(fixed: int, basis_points: int, price: int, raise_by: int) -> None:
    assert increment_at(price, BidIncrement(fixed, basis_points), "USD") == raise_by


@given(prices, increments, currencies)
def test_an_increment_is_at_least_one_minor_unit(price: int, increment: BidIncrement, currency: str) -> None:
    assert increment_at(price, increment, currency) >= 1


@given(prices, prices, increments, currencies)
def test_a_higher_price_never_asks_for_less(price: int, other: int, increment: BidIncrement, currency: str) -> None:
    lower, higher = sorted((price, other))
    assert increment_at(lower, increment, currency) <= increment_at(higher, increment, currency)


@given(prices, st.integers(0, AMOUNT_MAX), st.integers(1, BASIS_POINTS_MAX))
def test_an_own_increment_is_the_larger_part_in_exact_arithmetic(price: int, fixed: int, basis_points: int) -> None:
    raise_by = increment_at(price, BidIncrement(fixed, basis_points), "USD")
    share = Fraction(price * basis_points, 10_000)
    assert raise_by >= max(share, fixed)
    assert raise_by - 1 < max(share, fixed)


def test_the_least_bid_is_the_start_price_and_then_the_price_plus_the_increment() -> None:
    terms = listed(start_price=7, increment=0).terms
    assert [least_bid(terms, price) for price in (0, 7, 19_99, 20_00)] == [7, 57, 20_49, 21_00]
