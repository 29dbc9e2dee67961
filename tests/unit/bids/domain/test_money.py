"""Money: whole minor units within bounds, and how many of them a currency has."""

import pytest

from gavel.bids.domain.increments import AMOUNT_MAX, AMOUNT_MIN, is_amount, minor_units_per_major


@pytest.mark.parametrize(
    ("value", "holds"),
    [(-1, False), (0, False), (1, True), (10**15 - 1, True), (10**15, True), (10**15 + 1, False), (2**63, False)],
)
def test_an_amount_is_1_to_10_to_the_15(value: int, holds: bool) -> None:
    assert is_amount(value) is holds


def test_the_bounds_are_those_of_the_contract() -> None:
    assert (AMOUNT_MIN, AMOUNT_MAX) == (1, 1_000_000_000_000_000)


@pytest.mark.parametrize(
    ("currency", "minor_units"),
    [("USD", 100), ("EUR", 100), ("CHF", 100), ("JPY", 1), ("KRW", 1), ("BHD", 1_000), ("TND", 1_000), ("CLF", 10_000)],
)
def test_a_currency_has_its_own_number_of_minor_units(currency: str, minor_units: int) -> None:
    assert minor_units_per_major(currency) == minor_units
