"""Latency and failures of recent calls, from two readings of a process's call metrics."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from connectrpc.code import Code
from prometheus_client.samples import Sample

BID_METHOD = "PlaceBid"
# Failures of the server; callers' mistakes and the auction's refusals are answers.
FAILURES = frozenset(
    code.value for code in (Code.INTERNAL, Code.UNAVAILABLE, Code.UNKNOWN, Code.DATA_LOSS, Code.DEADLINE_EXCEEDED)
)


class CallCounts(NamedTuple):
    """Counts since the start of the process: answered calls, those that failed, and bids by bound of their duration.

    The counts of bids are cumulative, as in Prometheus.
    """

    answered: float
    failed: float
    bids: Mapping[float, float]

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> "CallCounts":
        """Take the counts from samples of gavel_rpc_calls_total and gavel_rpc_duration_seconds."""
        answered = failed = 0.0
        bids: dict[float, float] = {}
        for sample in samples:
            if sample.name == "gavel_rpc_calls_total":
                answered += sample.value
                failed += sample.value if sample.labels["code"] in FAILURES else 0
            elif sample.name == "gavel_rpc_duration_seconds_bucket" and sample.labels["method"] == BID_METHOD:
                bids[float(sample.labels["le"])] = sample.value
        return cls(answered, failed, bids)


def failed_share(before: CallCounts, after: CallCounts) -> float | None:
    """The share of the calls between two readings that failed; None if there was no call."""
    answered = after.answered - before.answered
    return round((after.failed - before.failed) / answered, 4) if answered > 0 else None


def p99_seconds(before: CallCounts, after: CallCounts) -> float | None:
    """The 99th percentile of the durations of bids between two readings; None if there was no bid.

    Interpolated within its bucket, as Prometheus does; what lies above the last bound is shown as that bound.
    """
    counts = {bound: count - before.bids.get(bound, 0) for bound, count in sorted(after.bids.items())}
    wanted = 0.99 * max(counts.values(), default=0)
    below = lower = 0.0
    for bound, count in counts.items():
        if 0 < wanted <= count:
            share = (wanted - below) / (count - below)
            return round(lower + (bound - lower) * share, 4) if bound != float("inf") else lower
        below, lower = count, bound
    return None
