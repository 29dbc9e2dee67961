"""A run as the benchmark's tests need it: its conditions, and a way to fill its results."""

from collections.abc import Mapping, Sequence

from gavel_tools.bench.case import Case, Side
from gavel_tools.bench.cases import CASES
from gavel_tools.bench.conditions import Conditions
from gavel_tools.bench.results import Results

CONDITIONS = Conditions(
    date="2026-01-02T03:04:05+00:00",
    gavel="1.2.3",
    cpu="Fast & <Furious>",
    cpu_count=2,
    load_average=0.1,
    system="Linux",
    python="CPython 3.11.0",
    wrk="wrk 4.1.0",
    rounds=3,
    connections=64,
    seconds=5,
    warmup_seconds=1,
    single_bids=500,
    logs="standalone WARNING console",
    postgres={"server_version": "16.9 (Debian)", "fsync": "on"},
)


def case_named(name: str) -> Case:
    """One of the benchmark's cases."""
    return next(case for case in CASES if case.name == name)


def results_of(measured: Mapping[tuple[str, Side], Sequence[Mapping[str, float]]]) -> Results:
    """Results with these rounds; a measured figure that is not named is 1 in each."""
    results = Results(CONDITIONS)
    for (name, side), rounds in measured.items():
        case = case_named(name)
        for each in rounds:
            results.add(case, side, {figure.name: 1.0 for figure in case.figures if figure.share is None} | dict(each))
    return results
