"""What the table says: numbers, multiples, goals, and whether they are met."""

import io
import re
from dataclasses import replace

from rich.console import Console

from gavel_tools.bench.case import Side
from gavel_tools.bench.cases import CASES
from gavel_tools.bench.report import print_report
from tests.unit.bench.runs import CONDITIONS, results_of

RESULTS = results_of(
    {
        ("http_ceiling", Side.CEILING): [{"answered_per_s": 32_400}],
        ("one_item", Side.GAVEL): [{"accepted_per_s": 8_100, "decided_per_s": 8_200, "memory_mb": 151}],
        ("one_item", Side.NAIVE): [{"accepted_per_s": 150, "decided_per_s": 820}],
        ("idle", Side.GAVEL): [{"p50_ms": 3}],
        ("idle", Side.NAIVE): [{"p50_ms": 4}],
    }
)


def printed(load_average: float = 0.1) -> list[str]:
    output = io.StringIO()
    conditions = replace(CONDITIONS, load_average=load_average)
    print_report(Console(file=output, width=80), RESULTS.rows(CASES), conditions)
    return output.getvalue().splitlines()


def columns(label: str) -> list[str]:
    line = next(line for line in printed() if line.strip().startswith(label))
    return re.split(r"\s{2,}", line.strip())


def test_a_line_has_both_sides_the_multiple_and_the_goal() -> None:
    assert columns("accepted bids") == ["accepted bids", "8,100/s", "150/s", "54.0", "≥ 45×", "met"]
    assert columns("over HTTP, p50") == ["over HTTP, p50", "3 ms", "4 ms", "0.8", "≤ 1×", "met"]
    assert columns("decided") == ["decided, refusals too", "8,200/s", "820/s", "10.0"]


def test_a_share_of_the_ceiling_comes_first_in_its_case_and_the_ceiling_before_it() -> None:
    lines = [line.strip() for line in printed()]
    ceiling, case = lines.index("HTTP ceiling: a bare uvicorn"), lines.index("One hot item")
    assert ceiling < case
    assert re.split(r"\s{2,}", lines[ceiling + 1]) == ["answers", "32,400/s"]
    assert re.split(r"\s{2,}", lines[case + 1]) == ["share of the HTTP ceiling", "0.250", "0.005", "≥ 0.250", "met"]


def test_a_missed_goal_is_marked_in_the_table_and_below_it() -> None:
    assert columns("server's memory, peak") == ["server's memory, peak", "151 MB", "1 MB", "≤ 150", "missed"]
    assert "missed  One hot item, server's memory, peak: 151 MB, not within 150 MB" in printed()


def test_nothing_of_the_table_is_cut_off_in_a_terminal_of_eighty_columns() -> None:
    assert not [line for line in printed() if "…" in line]


def test_the_conditions_are_printed() -> None:
    text = "\n".join(printed())
    for expected in (
        "2 x Fast & <Furious>",
        "CPython 3.11.0",
        "Postgres 16.9",
        "fsync on",
        "64 connections",
        "3 rounds",
        "Default log settings: standalone WARNING console",
    ):
        assert expected in text


def test_a_busy_machine_is_warned_of() -> None:
    assert not any("not idle" in line for line in printed())
    assert any("This machine is not idle (load average 1.50 on 2 cores)" in line for line in printed(load_average=1.5))
