"""Amounts and bid increments: how much can be bid, and how much more than the price the next bid must be.

An amount is in whole minor units (cents) of one house currency, never a float. A new increment rule goes here:
`increment_at` is the only place that knows one.
"""

from bisect import bisect_right
from typing import NamedTuple

AMOUNT_MIN = 1
AMOUNT_MAX = 10**15

# ISO 4217, the minor units of currencies that do not have two.
_CURRENCIES_BY_MINOR_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_MINOR_PER_MAJOR = {name: 10**digits for digits, names in _CURRENCIES_BY_MINOR_DIGITS.items() for name in names.split()}

BASIS_POINTS_MAX = 10_000


class Step(NamedTuple):
    """One row of the house table: below this price, raise by this much. Hundredths of a major unit."""

    below_price: int
    raise_by: int


# The house table: under 20: 0.50; under 200: 1; under 1,000: 5; under 5,000: 10; under 25,000: 50; then 100.
HOUSE_STEPS = (Step(20_00, 50), Step(200_00, 1_00), Step(1_000_00, 5_00), Step(5_000_00, 10_00), Step(25_000_00, 50_00))
HOUSE_RAISE_ABOVE = 100_00

_BELOW_PRICES = [step.below_price for step in HOUSE_STEPS]
_RAISES = [*(step.raise_by for step in HOUSE_STEPS), HOUSE_RAISE_ABOVE]


class BidIncrement(NamedTuple):
    """An item's own increment: the larger of a fixed part (minor units) and a share (100 = 1 %) of the price.

    Both zero means that the house table applies.
    """

    fixed: int = 0
    basis_points: int = 0


def increment_at(price: int, increment: BidIncrement, currency: str) -> int:
    """Return the least raise over a price, at least 1. All amounts in minor units; a share is rounded up."""
    if increment.fixed or increment.basis_points:
        share = -(-price * increment.basis_points // 10_000)
        return max(increment.fixed, share, 1)
    return _house_increment(price, minor_units_per_major(currency))


def _house_increment(price: int, minor_per_major: int) -> int:
    raise_by = _RAISES[bisect_right(_BELOW_PRICES, price * 100 // minor_per_major)]
    return max(raise_by * minor_per_major // 100, 1)


def is_amount(value: int) -> bool:
    """Whether the value can be bid: 1 to 10^15 minor units."""
    return AMOUNT_MIN <= value <= AMOUNT_MAX


def minor_units_per_major(currency: str) -> int:
    """How many minor units make one major unit: 100 for USD, 1 for JPY, 1,000 for BHD."""
    return _MINOR_PER_MAJOR.get(currency, 100)
