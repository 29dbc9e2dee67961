"""Latencies in buckets: percentiles to five per cent, whatever was measured."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavel_tools.bidders.tally import Latencies


def latencies(*seconds: float) -> Latencies:
    measured = Latencies()
    for each in seconds:
        measured.add(each)
    return measured


@given(st.lists(st.floats(1e-5, 100), min_size=1), st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_percentile_is_the_measured_one_to_five_per_cent(seconds: list[float], share: float) -> None:
    exact_ms = 1000 * sorted(seconds)[math.ceil(share * len(seconds)) - 1]
    assert latencies(*seconds).percentile_ms(share) == pytest.approx(exact_ms, rel=0.05)


def test_nothing_measured_is_zero() -> None:
    assert Latencies().percentile_ms(0.99) == 0


def test_what_was_measured_since_leaves_out_what_was_before() -> None:
    measured = latencies(0.010, 0.010)
    earlier = measured.copy()
    measured.add(1.0)
    assert measured.since(earlier) == latencies(1.0)
    assert earlier == latencies(0.010, 0.010)
