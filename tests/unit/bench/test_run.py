"""What is asked for decides what is measured; what can't be measured ends with status 1 and a reason."""

from pathlib import Path

import pytest

from gavel_tools.bench.cases import CASES
from gavel_tools.bench.run import BenchOptions, run_bench


def test_without_names_every_case_is_measured_and_names_choose_among_them() -> None:
    assert BenchOptions().cases == list(CASES)
    assert [case.name for case in BenchOptions(only=("delays", "idle")).cases] == ["idle", "delays"]


@pytest.mark.parametrize(
    ("only", "measured"),
    [
        ("one_item", ["http_ceiling", "one_item"]),
        ("pipeline", ["http_ceiling", "many_items", "pipeline"]),
        ("http_ceiling", ["http_ceiling"]),
        ("mixed", ["mixed"]),
    ],
)
def test_what_a_share_is_of_is_measured_with_it(only: str, measured: list[str]) -> None:
    assert [case.name for case in BenchOptions(only=(only,)).cases] == measured


def test_a_quick_run_does_less_of_the_same() -> None:
    quick, full = BenchOptions(quick=True, seconds=30).effort, BenchOptions(seconds=30).effort
    assert (quick.seconds, full.seconds) == (1, 30)
    assert quick.single_bids < full.single_bids
    assert quick.long_backlog_events < full.long_backlog_events
    assert quick.connections == full.connections == 64


def test_an_unknown_case_ends_with_status_1_and_the_names_that_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_bench(BenchOptions(only=("one_items",), results=tmp_path / "results")) == 1
    said = capsys.readouterr().out
    assert "no such case: one_items; there are http_ceiling, one_item, many_items, pipeline, mixed" in said
    assert not (tmp_path / "results").exists()
