"""The chart is well-formed, and its bars are as long as its numbers."""

from pathlib import Path
from xml.etree import ElementTree as ET

from gavel_tools.bench.case import Side
from gavel_tools.bench.cases import CASES
from gavel_tools.bench.chart import BAR_WIDTH_MAX, write_chart
from tests.unit.bench.runs import CONDITIONS, results_of

SVG = "{http://www.w3.org/2000/svg}"


def test_bars_are_as_long_as_the_numbers_of_their_panel(tmp_path: Path) -> None:
    results = results_of(
        {
            ("one_item", Side.GAVEL): [{"accepted_per_s": 9_000}],
            ("one_item", Side.NAIVE): [{"accepted_per_s": 180}],
            ("many_items", Side.GAVEL): [{"accepted_per_s": 2_000}],
            ("many_items", Side.NAIVE): [{"accepted_per_s": 4_000}],
        }
    )
    file = tmp_path / "bench.svg"
    assert write_chart(results.rows(CASES), CONDITIONS, file)
    root = ET.fromstring(file.read_text())
    bars = [
        (bar.get("class"), float(bar.get("width", "0")))
        for bar in root.iter(f"{SVG}rect")
        if bar.get("class") in ("gavel", "naive")
    ]
    assert bars == [
        ("gavel", BAR_WIDTH_MAX),
        ("naive", round(BAR_WIDTH_MAX / 50, 1)),
        ("gavel", BAR_WIDTH_MAX / 2),
        ("naive", BAR_WIDTH_MAX),
    ]
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "9,000  (50.0 times)" in texts
    assert any("2 x Fast & <Furious>, with Postgres 16.9 and" in (text or "") for text in texts)


def test_without_a_rate_on_both_sides_there_is_no_chart(tmp_path: Path) -> None:
    file = tmp_path / "bench.svg"
    results = results_of({("one_item", Side.GAVEL): [{}], ("idle", Side.GAVEL): [{}], ("idle", Side.NAIVE): [{}]})
    assert not write_chart(results.rows(CASES), CONDITIONS, file)
    assert not file.exists()
