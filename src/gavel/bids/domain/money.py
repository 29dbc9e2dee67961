"""Amounts: whole minor units (cents) of one house currency, never a float."""

AMOUNT_MIN = 1
AMOUNT_MAX = 10**15

# ISO 4217, the minor units of currencies that do not have two.
_CURRENCIES_BY_MINOR_DIGITS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_MINOR_PER_MAJOR = {name: 10**digits for digits, names in _CURRENCIES_BY_MINOR_DIGITS.items() for name in names.split()}


def is_amount(value: int) -> bool:
    """Whether the value can be bid: 1 to 10^15 minor units."""
    return AMOUNT_MIN <= value <= AMOUNT_MAX


def minor_units_per_major(currency: str) -> int:
    """How many minor units make one major unit: 100 for USD, 1 for JPY, 1,000 for BHD."""
    return _MINOR_PER_MAJOR.get(currency, 100)
