"""docs/METRICS.md, read by the tests that hold others to it."""

import re

from tests.house.tree import ROOT

METRIC_ROW = re.compile(r"^\| `(\w+)` \| (counter|gauge|histogram) \| (.*?) \|", re.MULTILINE)


def documented() -> dict[str, tuple[str, frozenset[str]]]:
    """The metrics of docs/METRICS.md: kind and labels by name."""
    page = (ROOT / "docs" / "METRICS.md").read_text(encoding="utf-8")
    return {name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in METRIC_ROW.findall(page)}
