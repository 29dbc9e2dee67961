"""The dashboards and alerts: each metric in them exists, each alert has its line in the runbook, and Prometheus reads
them where its `promtool` is.
"""

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.e2e.seen.metrics_page import documented
from tests.house.tree import ROOT

FOLDER = ROOT / "deploy" / "observability"
DASHBOARDS = sorted((FOLDER / "dashboards").glob("*.json"))
RULES = FOLDER / "rules.yml"

METRIC = re.compile(r"\b(?:gavel|process)_[a-z_]+\b")
# Names of the same form that are no metrics: the databases' roles, and a package.
OTHERS = {"gavel_bids", "gavel_stats", "gavel_tools"}


def _expressions(dashboard: Path) -> list[str]:
    return [target["expr"] for panel in json.loads(dashboard.read_text())["panels"] for target in panel["targets"]]


def _unknown(text: str) -> set[str]:
    """Names of no documented metric; a histogram is queried by its parts."""
    known: set[str] = set()
    for name, (kind, _) in documented().items():
        known |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if kind == "histogram" else {name}
    return set(METRIC.findall(text)) - known


def test_every_metric_of_a_dashboard_exists() -> None:
    assert len(DASHBOARDS) == 4
    expressions = {dashboard.name: _expressions(dashboard) for dashboard in DASHBOARDS}
    of_prometheus = re.compile(r"\b(up|ALERTS)\{|\bnode_filesystem_|\bprobe_ssl_")
    assert all(METRIC.search(each) or of_prometheus.search(each) for those in expressions.values() for each in those)
    assert {name for those in expressions.values() for name in _unknown(" ".join(those))} == set()


def test_every_metric_of_an_alert_exists() -> None:
    assert METRIC.search(RULES.read_text())
    assert _unknown(RULES.read_text()) == set()


def test_every_metric_of_a_page_exists() -> None:
    # The changelog names metrics that were renamed.
    pages = [*(ROOT / "docs").rglob("*.md"), *(page for page in ROOT.glob("*.md") if page.name != "CHANGELOG.md")]
    named = {page.name: set(METRIC.findall(page.read_text(encoding="utf-8"))) for page in pages}
    assert {"RUNBOOK.md", "SIZING.md", "DEPLOYMENT.md"} <= {page for page, names in named.items() if names - OTHERS}
    known = documented().keys() | OTHERS
    assert {page: names - known for page, names in named.items() if names - known} == {}


def test_an_unknown_metric_name_is_found() -> None:
    assert _unknown("rate(gavel_bids_total[1m]) / gavel_bits_total") == {"gavel_bits_total"}
    assert _unknown("gavel_counter_lag_seconds") == {"gavel_counter_lag_seconds"}


def test_every_metric_of_gavels_own_is_on_a_dashboard() -> None:
    shown = " ".join(each for dashboard in DASHBOARDS for each in _expressions(dashboard))
    absent = [name for name in documented() if name.startswith("gavel_") and name not in shown]
    assert absent == []


def test_the_panels_of_a_dashboard_have_places_of_their_own() -> None:
    for dashboard in DASHBOARDS:
        panels = json.loads(dashboard.read_text())["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
        assert len(places) == len(panels)


def test_the_overview_shows_single_values_and_states_and_leads_to_the_others() -> None:
    overview = json.loads((FOLDER / "dashboards" / "gavel-overview.json").read_text())
    kinds = Counter(panel["type"] for panel in overview["panels"])
    assert kinds["stat"] > 12
    assert kinds["state-timeline"] == 1
    assert all(
        len(panel["fieldConfig"]["defaults"]["thresholds"]["steps"]) >= 1
        for panel in overview["panels"]
        if panel["type"] == "stat"
    )
    others = {json.loads(dashboard.read_text())["uid"] for dashboard in DASHBOARDS} - {overview["uid"]}
    assert {f"/d/{uid}" for uid in others} == {link["url"] for link in overview["links"]}
    assert len(others) == 3


def test_alerts_and_starts_are_marked_in_every_dashboard() -> None:
    for dashboard in DASHBOARDS:
        marked = " ".join(each["expr"] for each in json.loads(dashboard.read_text())["annotations"]["list"])
        assert "ALERTS{" in marked
        assert "process_start_time_seconds" in marked
        assert _unknown(marked) == set()


def test_every_process_is_missed_when_none_of_its_kind_answers() -> None:
    scraped = re.findall(r"job_name: ([a-z-]+)", (FOLDER / "prometheus.yml").read_text())
    assert len(scraped) == 4
    assert [job for job in scraped if f'absent(up{{job="{job}"}} == 1)' not in RULES.read_text()] == []


def test_every_alert_is_seen_firing_in_a_test_of_the_rules() -> None:
    tests = yaml.safe_load((FOLDER / "rules_test.yml").read_text())["tests"]
    samples = [
        sample["labels"] for test in tests for each in test["promql_expr_test"] for sample in each["exp_samples"]
    ]
    fired = set(re.findall(r'alertname="(\w+)"', " ".join(samples)))
    assert set(re.findall(r"- alert: (\w+)", RULES.read_text())) == fired


def test_every_alert_has_its_line_in_the_runbook() -> None:
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text())
    assert {"GavelOutboxOld", "GavelDeadLetters", "GavelErrorRate", "GavelCloserLate"} <= set(alerts)
    runbook = (ROOT / "docs" / "RUNBOOK.md").read_text(encoding="utf-8")
    rows = " ".join(re.findall(r"^\| (`Gavel[^|]*) \|", runbook, re.MULTILINE))
    assert [alert for alert in alerts if f"`{alert}`" not in rows] == []


@pytest.mark.integration
def test_prometheus_reads_the_rules_and_the_scrape_configuration_and_each_alert_fires_when_it_should() -> None:
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing: scripts/install-test-servers.sh installs it"
    for command in (["check", "config", "prometheus.yml"], ["test", "rules", "rules_test.yml"]):
        told = subprocess.run([promtool, *command], cwd=FOLDER, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
