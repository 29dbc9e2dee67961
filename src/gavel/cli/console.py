"""Console output: tables and texts as wide as the terminal, without a limit in a file or a pipe; amounts of money."""

import sys

from rich.console import Console

from gavel.bids.domain.increments import minor_units_per_major

# Nothing is wrapped or cut where a program reads it.
WIDTH_MAX = 1_000_000


def open_console() -> Console:
    """A console on standard output."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_MAX)


def money(amount: int, currency: str) -> str:
    """Format an amount of minor units in major units: 1250 USD is 12.50 USD."""
    minor_per_major = minor_units_per_major(currency)
    digits = len(str(minor_per_major)) - 1
    whole, rest = divmod(amount, minor_per_major)
    return f"{whole:,}.{rest:0{digits}d} {currency}" if digits else f"{whole:,} {currency}"
