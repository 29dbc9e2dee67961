"""The list of cases: complete, without duplicates, and each quoted in a document."""

import re
from collections.abc import Iterator
from pathlib import Path

from gavel_tools.bench.case import Figure
from gavel_tools.bench.cases import CASES, OWN_SERVERS_CASES, PROCESSES_CASES, SERVER_CASES

ROOT = Path(__file__).parents[3]

# Section 9 of the design: ratios within a run, and the few absolute bounds that it has.
GOALS = {
    "one_item.ceiling_share": {"at_least": 0.25},
    "one_item.accepted_per_s": {"naive_times_at_least": 45},
    "many_items.ceiling_share": {"at_least": 0.19},
    "many_items.accepted_per_s": {"naive_times_at_least": 6},
    "pipeline.share_of_many_items": {"at_least": 0.8},
    "pipeline.outbox_growth_percent": {"at_most": 1},
    "mixed.quiet_p99_times": {"at_most": 1.5},
    "idle.p50_ms": {"naive_times_at_most": 1},
    "one_item.memory_mb": {"at_most": 150},
    "many_items.memory_mb": {"at_most": 150},
    "watchers.last_wire_p99_ms": {"at_most": 60},
    "backlog.relay_events_per_s": {"at_least": 100_000},
    "backlog.consumer_events_per_s": {"at_least": 30_000},
}


def goals_of(figure: Figure) -> dict[str, float]:
    """The goals that a figure has."""
    names = ("at_least", "at_most", "naive_times_at_least", "naive_times_at_most")
    return {name: value for name in names if (value := getattr(figure, name)) is not None}


def documented_cases() -> Iterator[str]:
    """The names in backquotes on the pages that quote figures."""
    for page in ("BENCHMARKS.md", "SIZING.md"):
        yield from re.findall(r"`(\w+)`", (ROOT / "docs" / page).read_text(encoding="utf-8"))


def test_every_case_is_reported_once() -> None:
    measured = [*SERVER_CASES, *PROCESSES_CASES, *OWN_SERVERS_CASES]
    assert sorted(case.name for case in CASES) == sorted({case.name for case in measured})


def test_a_document_quotes_every_case() -> None:
    quoted = set(documented_cases())
    assert [case.name for case in CASES if case.name not in quoted] == []


def test_the_goals_are_those_of_the_design() -> None:
    figures = {f"{case.name}.{figure.name}": figure for case in CASES for figure in case.figures}
    assert {name: goals_of(figures[name]) for name in GOALS} == GOALS


def test_no_other_rate_has_a_goal() -> None:
    figures = {f"{case.name}.{figure.name}": figure for case in CASES for figure in case.figures}
    rates = {name: figure for name, figure in figures.items() if figure.unit == "/s" and name not in GOALS}
    assert rates
    assert [name for name, figure in rates.items() if goals_of(figure)] == []


def test_a_share_names_figures_that_are_measured() -> None:
    by_name = {case.name: {figure.name for figure in case.figures if figure.share is None} for case in CASES}
    shares = [(case, figure.share) for case in CASES for figure in case.figures if figure.share]
    assert shares
    for case, share in shares:
        assert share.part in by_name[case.name]
        assert share.whole in by_name[share.whole_case]
