"""Rounds become medians, medians are held against goals, and the file has what scripts look for."""

import json
from pathlib import Path

import pytest

from gavel_tools.bench.case import Case, Side
from gavel_tools.bench.cases import CASES
from gavel_tools.bench.results import Results, Row, in_words
from tests.unit.bench.runs import case_named, results_of


def _row(results: Results, case: Case, figure: str) -> Row:
    return next(row for row in results.rows([case]) if row.figure.name == figure)


def test_a_figure_is_the_median_of_its_rounds_on_each_side() -> None:
    results = results_of(
        {
            ("one_item", Side.GAVEL): [{"accepted_per_s": rate} for rate in (9_000, 100, 8_500)],
            ("one_item", Side.NAIVE): [{"accepted_per_s": rate} for rate in (170, 900, 160)],
        }
    )
    row = _row(results, case_named("one_item"), "accepted_per_s")
    assert (row.gavel, row.naive) == (8_500, 170)
    assert row.naive_times == 50
    assert row.missed == []


@pytest.mark.parametrize(
    ("gavel", "naive", "missed"),
    [
        (9_000, 300, []),
        (7_999, 100, ["7,999/s, not 8,000/s"]),
        (8_000, 8_000 / 29, ["29.0 times the naive baseline, not 30"]),
        (5_000, 500, ["5,000/s, not 8,000/s", "10.0 times the naive baseline, not 30"]),
    ],
)
def test_a_rate_has_a_goal_of_its_own_and_one_against_the_baseline(
    gavel: float, naive: float, missed: list[str]
) -> None:
    results = results_of(
        {
            ("one_item", Side.GAVEL): [{"accepted_per_s": gavel}],
            ("one_item", Side.NAIVE): [{"accepted_per_s": naive}],
        }
    )
    assert _row(results, case_named("one_item"), "accepted_per_s").missed == missed


def test_a_time_must_stay_within_its_goal() -> None:
    times = [{"decision_p50_ms": 0.9}, {"decision_p50_ms": 1.25}, {"decision_p50_ms": 3}]
    results = results_of({("decision", Side.GAVEL): times})
    row = _row(results, case_named("decision"), "decision_p50_ms")
    assert row.missed == ["1.25 ms, not within 1 ms"]
    assert row.naive_times is None


def test_the_file_holds_the_sections_that_scripts_read(tmp_path: Path) -> None:
    rates = {"accepted_per_s": 8_100.25, "p50_ms": 5.5, "p99_ms": 11.125, "memory_mb": 70}
    results = results_of(
        {
            ("one_item", Side.GAVEL): [rates],
            ("one_item", Side.NAIVE): [{"accepted_per_s": 150}],
            ("many_items", Side.GAVEL): [rates | {"memory_mb": 81.24}],
            ("many_items", Side.NAIVE): [{"accepted_per_s": 2_000}],
            ("idle", Side.GAVEL): [{"p50_ms": 1.25, "p99_ms": 2}],
            ("decision", Side.GAVEL): [{"decision_p50_ms": 0.5}],
        }
    )
    file = tmp_path / "bench.json"
    results.write_json(CASES, file)
    written = json.loads(file.read_text())
    for section, naive in (("one_item", 150), ("many_items", 2_000)):
        figures = written[section]
        assert (figures["accepted_per_s"], figures["naive_accepted_per_s"]) == (8_100.25, naive)
        assert (figures["p50_ms"], figures["p99_ms"]) == (5.5, 11.125)
    idle = written["idle"]
    assert (idle["p50_ms"], idle["p99_ms"], idle["decision_p50_ms"]) == (1.25, 2, 0.5)
    assert written["memory_mb"] == 81.2
    assert written["conditions"]["postgres"]["fsync"] == "on"
    assert written["measurements"]["one_item"]["naive"][0]["accepted_per_s"] == 150


def test_what_was_not_measured_is_left_out() -> None:
    results = results_of({("idle", Side.GAVEL): [{}]})
    written = results.as_json(CASES)
    assert "one_item" not in written
    assert written["memory_mb"] is None
    assert {row.case.name for row in results.rows(CASES)} == {"idle"}


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(12_345.6, "/s", "12,346/s"), (12.34, "ms", "12.3 ms"), (1.5, "ms", "1.50 ms"), (8, "ms", "8 ms"), (0, "%", "0%")],
)
def test_numbers_are_shown_with_about_three_digits(value: float, unit: str, words: str) -> None:
    assert in_words(value, unit) == words
