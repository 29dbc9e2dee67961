"""Latency and failures between two readings of a process's call metrics."""

import pytest
from prometheus_client.samples import Sample

from gavel.bids.adapters.connect.recent_calls import CallCounts, failed_share, p99_seconds

NOTHING = CallCounts.of([])
INFINITE = float("inf")


def calls(code: str, count: float) -> Sample:
    return Sample("gavel_rpc_calls_total", {"method": "GetItem", "code": code}, count)


def bids(counts: dict[str, float], method: str = "PlaceBid") -> list[Sample]:
    name = "gavel_rpc_duration_seconds_bucket"
    return [Sample(name, {"method": method, "le": bound}, count) for bound, count in counts.items()]


def test_a_share_counts_failures_of_the_server_only() -> None:
    answered = [calls("ok", 90), calls("failed_precondition", 6), calls("internal", 3), calls("unavailable", 1)]
    assert failed_share(NOTHING, CallCounts.of(answered)) == 0.04


def test_a_share_is_that_of_the_calls_between_two_readings() -> None:
    before = CallCounts.of([calls("ok", 1_000), calls("internal", 500)])
    after = CallCounts.of([calls("ok", 1_099), calls("internal", 501)])
    assert failed_share(before, after) == 0.01
    assert failed_share(after, after) is None


def test_the_99th_percentile_lies_within_the_bucket_of_the_slowest_hundredth() -> None:
    after = CallCounts.of(bids({"0.01": 90, "0.1": 100, "+Inf": 100}))
    assert p99_seconds(NOTHING, after) == pytest.approx(0.091)
    assert p99_seconds(NOTHING, CallCounts.of(bids({"0.01": 100, "0.1": 100, "+Inf": 100}))) == pytest.approx(0.0099)


def test_the_percentile_is_that_of_the_bids_between_two_readings() -> None:
    before = CallCounts.of(bids({"0.01": 0, "0.1": 500, "+Inf": 500}))
    after = CallCounts.of([*bids({"0.01": 100, "0.1": 600, "+Inf": 600}), *bids({"0.01": 0, "+Inf": 9}, "GetItem")])
    assert p99_seconds(before, after) == pytest.approx(0.0099)
    assert p99_seconds(after, after) is None
    assert p99_seconds(NOTHING, NOTHING) is None


def test_what_lies_above_the_last_bound_is_shown_as_that_bound() -> None:
    assert p99_seconds(NOTHING, CallCounts.of(bids({"0.1": 5, "10.0": 5, "+Inf": 10}))) == 10.0
