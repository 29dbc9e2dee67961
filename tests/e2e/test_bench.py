"""The benchmark measures real processes, and its figures add up."""

import json
from pathlib import Path

import pytest

from gavel.bench import BenchOptions, run_bench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_a_quick_run_measures_both_sides_of_every_case_by_the_servers_own_count(tmp_path: Path) -> None:
    assert run_bench(BenchOptions(quick=True, results=tmp_path)) == 0
    results = json.loads((tmp_path / "bench.json").read_text())
    for section in (results["one_item"], results["many_items"]):
        assert section["accepted_per_s"] > 0
        assert section["naive_accepted_per_s"] > 0
        assert 0 < section["p50_ms"] <= section["p99_ms"]
        # The last answer on each connection may have come too late for the client to count it.
        assert section["answered_2xx"] <= section["accepted"] <= section["answered_2xx"] + 64
    assert results["one_item"]["refused_percent"] < 10
    assert results["idle"]["decision_p50_ms"] > 0
    assert 0 < results["idle"]["p50_ms"] <= results["idle"]["p99_ms"]
    assert results["memory_mb"] > 10
    assert results["conditions"]["postgres"]["fsync"] == "on"
    assert results["conditions"]["postgres"]["synchronous_commit"] == "on"
    assert (tmp_path / "bench.svg").read_text().startswith("<svg ")
