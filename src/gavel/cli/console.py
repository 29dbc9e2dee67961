"""Console for tables and texts: as wide as the terminal, and without a limit in a file or a pipe."""

import sys

from rich.console import Console

# Nothing is wrapped or cut where a program reads it.
WIDTH_MAX = 1_000_000


def open_console() -> Console:
    """A console on standard output."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_MAX)
