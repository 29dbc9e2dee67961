"""The chart is well-formed, and its bars are as long as its numbers."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from gavel_tools.bench.case import Side
from gavel_tools.bench.cases import CASES
from gavel_tools.bench.chart import BAR_WIDTH_MAX, write_chart
from tests.unit.bench.runs import CONDITIONS, results_of

SVG = "{http://www.w3.org/2000/svg}"


def test_bars_are_as_long_as_their_shares_of_the_ceiling(tmp_path: Path) -> None:
    results = results_of(
        {
            ("http_ceiling", Side.CEILING): [{"answered_per_s": 36_000}],
            ("one_item", Side.GAVEL): [{"accepted_per_s": 9_000}],
            ("one_item", Side.NAIVE): [{"accepted_per_s": 180}],
            ("many_items", Side.GAVEL): [{"accepted_per_s": 3_600}],
            ("many_items", Side.NAIVE): [{"accepted_per_s": 7_200}],
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
        ("gavel", BAR_WIDTH_MAX / 4),
        ("naive", round(BAR_WIDTH_MAX / 200, 1)),
        ("gavel", round(BAR_WIDTH_MAX / 10, 1)),
        ("naive", round(BAR_WIDTH_MAX / 5, 1)),
    ]
    full = [float(bar.get("width", "0")) for bar in root.iter(f"{SVG}rect") if bar.get("class") == "ceiling"]
    assert full == [BAR_WIDTH_MAX] * 4
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "25%  9,000/s  (50.0 times)" in texts
    assert "20%  7,200/s" in texts
    assert any("a bare uvicorn, 36,000 answers a second" in (text or "") for text in texts)
    assert any("2 x Fast & <Furious>, with Postgres 16.9 and" in (text or "") for text in texts)


@pytest.mark.parametrize("missing", [("http_ceiling", Side.CEILING), ("one_item", Side.NAIVE)])
def test_without_a_share_on_both_sides_there_is_no_chart(missing: tuple[str, Side], tmp_path: Path) -> None:
    file = tmp_path / "bench.svg"
    sides = {("http_ceiling", Side.CEILING), ("one_item", Side.GAVEL), ("one_item", Side.NAIVE)} - {missing}
    results = results_of({side: [{}] for side in sides})
    assert not write_chart(results.rows(CASES), CONDITIONS, file)
    assert not file.exists()
