"""Rounds become medians, shares are computed within a round, and the file has what scripts look for."""

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
    assert (row.value, row.naive) == (8_500, 170)
    assert row.naive_times == 50
    assert row.missed == []


@pytest.mark.parametrize(
    ("gavel", "naive", "missed"),
    [
        (9_000, 200, []),
        (9_000, 225, ["40.0 times the naive baseline, not 45"]),
    ],
)
def test_a_rate_has_a_goal_against_the_baseline_and_none_of_its_own(
    gavel: float, naive: float, missed: list[str]
) -> None:
    results = results_of(
        {
            ("one_item", Side.GAVEL): [{"accepted_per_s": gavel}],
            ("one_item", Side.NAIVE): [{"accepted_per_s": naive}],
        }
    )
    assert _row(results, case_named("one_item"), "accepted_per_s").missed == missed


@pytest.mark.parametrize(
    ("gavel", "missed"), [(2.5, []), (2, []), (2.6, ["1.04 times the naive baseline, not within 1"])]
)
def test_a_lone_bid_must_not_take_longer_than_the_baselines(gavel: float, missed: list[str]) -> None:
    results = results_of({("idle", Side.GAVEL): [{"p50_ms": gavel}], ("idle", Side.NAIVE): [{"p50_ms": 2.5}]})
    assert _row(results, case_named("idle"), "p50_ms").missed == missed


def test_a_time_must_stay_within_its_goal() -> None:
    times = [{"last_wire_p99_ms": 12}, {"last_wire_p99_ms": 61.5}, {"last_wire_p99_ms": 90}]
    results = results_of({("watchers", Side.GAVEL): times})
    row = _row(results, case_named("watchers"), "last_wire_p99_ms")
    assert row.missed == ["61.5 ms, not within 60 ms"]
    assert row.naive_times is None


def test_a_share_is_computed_in_each_round_and_the_median_of_these_counts() -> None:
    results = results_of(
        {
            ("http_ceiling", Side.CEILING): [{"answered_per_s": rate} for rate in (30_000, 30_000, 40_000)],
            ("one_item", Side.GAVEL): [{"accepted_per_s": rate} for rate in (9_000, 3_000, 8_000)],
            ("one_item", Side.NAIVE): [{"accepted_per_s": rate} for rate in (300, 150, 800)],
        }
    )
    row = _row(results, case_named("one_item"), "ceiling_share")
    assert (row.value, row.naive) == (pytest.approx(0.2), pytest.approx(0.01))
    assert row.missed == ["0.200, not 0.250"]


def test_a_share_leaves_out_rounds_that_measured_only_one_of_its_figures() -> None:
    results = results_of(
        {
            ("many_items", Side.GAVEL): [{"accepted_per_s": rate} for rate in (4_000, 5_000, 1)],
            ("pipeline", Side.GAVEL): [{"counted_per_s": rate} for rate in (3_000, 4_500)],
        }
    )
    row = _row(results, case_named("pipeline"), "share_of_many_items")
    assert row.value == pytest.approx((0.75 + 0.9) / 2)
    assert row.missed == []


def test_without_the_whole_there_is_no_share() -> None:
    results = results_of({("one_item", Side.GAVEL): [{}], ("pipeline", Side.GAVEL): [{}]})
    names = {row.figure.name for row in results.rows(CASES)}
    assert "accepted_per_s" in names
    assert not {"ceiling_share", "share_of_many_items"} & names


def test_the_file_holds_the_sections_that_scripts_read(tmp_path: Path) -> None:
    rates = {"accepted_per_s": 8_100.25, "p50_ms": 5.5, "p99_ms": 11.125, "memory_mb": 70}
    results = results_of(
        {
            ("http_ceiling", Side.CEILING): [{"answered_per_s": 32_401}],
            ("one_item", Side.GAVEL): [rates],
            ("one_item", Side.NAIVE): [{"accepted_per_s": 150}],
            ("many_items", Side.GAVEL): [rates | {"memory_mb": 81.24}],
            ("many_items", Side.NAIVE): [{"accepted_per_s": 2_000}],
            ("idle", Side.GAVEL): [{"p50_ms": 1.25, "p99_ms": 2}],
            ("decision", Side.GAVEL): [{"decision_p50_ms": 0.5}],
            ("pipeline", Side.GAVEL): [{"counted_per_s": 6_000}],
            ("mixed", Side.GAVEL): [{"quiet_p99_times": 1.25}],
        }
    )
    file = tmp_path / "bench.json"
    results.write_json(CASES, file)
    written = json.loads(file.read_text())
    for section, naive in (("one_item", 150), ("many_items", 2_000)):
        figures = written[section]
        assert (figures["accepted_per_s"], figures["naive_accepted_per_s"]) == (8_100.25, naive)
        assert (figures["p50_ms"], figures["p99_ms"]) == (5.5, 11.125)
    assert written["http_ceiling"]["answered_per_s"] == 32_401
    assert (written["one_item"]["ceiling_share"], written["many_items"]["ceiling_share"]) == (0.25, 0.25)
    assert written["many_items"]["naive_ceiling_share"] == 0.0617
    assert written["pipeline"]["share_of_many_items"] == 0.7407
    assert written["mixed"]["quiet_p99_times"] == 1.25
    idle = written["idle"]
    assert (idle["p50_ms"], idle["p99_ms"], idle["decision_p50_ms"]) == (1.25, 2, 0.5)
    assert written["memory_mb"] == 81.2
    assert written["conditions"]["postgres"]["fsync"] == "on"
    assert written["measurements"]["one_item"]["naive"][0]["accepted_per_s"] == 150
    assert written["measurements"]["http_ceiling"]["ceiling"][0]["answered_per_s"] == 32_401


def test_what_was_not_measured_is_left_out() -> None:
    results = results_of({("idle", Side.GAVEL): [{}]})
    written = results.as_json(CASES)
    assert "one_item" not in written
    assert written["memory_mb"] is None
    assert {row.case.name for row in results.rows(CASES)} == {"idle"}


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (12_345.6, "/s", "12,346/s"),
        (12.34, "ms", "12.3 ms"),
        (1.5, "ms", "1.50 ms"),
        (0.25, "", "0.250"),
        (8, "ms", "8 ms"),
        (0, "%", "0%"),
    ],
)
def test_numbers_are_shown_with_about_three_digits(value: float, unit: str, words: str) -> None:
    assert in_words(value, unit) == words
