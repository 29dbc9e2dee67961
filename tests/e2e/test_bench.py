"""The benchmark measures real processes, and its figures add up."""

import json
from pathlib import Path

import pytest

from gavel_tools.bench.run import BenchOptions, run_bench

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_a_quick_run_measures_both_sides_by_the_servers_own_count_and_the_ceiling_with_them(tmp_path: Path) -> None:
    cases = ("idle", "decision", "one_item", "many_items")
    assert run_bench(BenchOptions(quick=True, only=cases, results=tmp_path)) == 0
    results = json.loads((tmp_path / "bench.json").read_text())
    for section in (results["one_item"], results["many_items"]):
        assert section["accepted_per_s"] > 0
        assert section["naive_accepted_per_s"] > 0
        assert 0 < section["p50_ms"] <= section["p99_ms"]
        # The last answer on each connection may have come too late for the client to count it.
        assert section["answered_2xx"] <= section["accepted"] <= section["answered_2xx"] + 64
        assert section["ceiling_share"] == pytest.approx(
            section["accepted_per_s"] / results["http_ceiling"]["answered_per_s"], abs=0.001
        )
        assert 0 < section["ceiling_share"] < 1
        assert 0 < section["naive_ceiling_share"] < 1
    assert results["one_item"]["refused_percent"] < 10
    assert results["idle"]["decision_p50_ms"] > 0
    assert 0 < results["idle"]["p50_ms"] <= results["idle"]["p99_ms"]
    assert results["memory_mb"] > 10
    assert results["conditions"]["postgres"]["fsync"] == "on"
    assert results["conditions"]["postgres"]["synchronous_commit"] == "on"
    assert (tmp_path / "bench.svg").read_text().startswith("<svg ")


def test_a_quick_run_on_the_four_processes_measures_the_way_into_the_totals_and_to_the_watchers(tmp_path: Path) -> None:
    cases = ("pipeline", "mixed", "delays", "watchers", "backlog")
    assert run_bench(BenchOptions(quick=True, only=cases, results=tmp_path)) == 0
    results = json.loads((tmp_path / "bench.json").read_text())
    pipeline, mixed, delays, watchers, backlog = (results[name] for name in cases)
    assert 0 < pipeline["counted_per_s"] <= pipeline["accepted_per_s"]
    assert pipeline["share_of_many_items"] == pytest.approx(
        pipeline["counted_per_s"] / results["many_items"]["accepted_per_s"], abs=0.001
    )
    assert 0 < mixed["quiet_p50_ms_one"] <= mixed["quiet_p99_ms_one"]
    assert 0 < mixed["quiet_p50_ms_three"] <= mixed["quiet_p99_ms_three"]
    assert mixed["quiet_p99_times"] == pytest.approx(mixed["quiet_p99_ms_three"] / mixed["quiet_p99_ms_one"], rel=0.01)
    assert 0 < mixed["kept_percent_one"] <= 101
    assert 0 < mixed["kept_percent_three"] <= 101
    assert pipeline["bid_api_cpu_us"] > pipeline["stats_worker_cpu_us"] > 0
    assert 0 < delays["commit_to_confirm_p50_ms"] <= delays["commit_to_confirm_p99_ms"]
    assert 0 < delays["commit_to_stats_p50_ms"] <= delays["commit_to_stats_p99_ms"]
    assert 0 < watchers["last_wire_p50_ms"] <= watchers["last_wire_p99_ms"]
    assert watchers["wire_p99_ms"] > 0
    assert watchers["stalled_times"] == pytest.approx(
        watchers["stalled_wire_p99_ms"] / watchers["wire_p99_ms"], abs=0.01
    )
    assert watchers["bids_watched"] > 0
    assert watchers["held"] == 200
    assert backlog["relay_events_per_s"] > 0
    assert backlog["consumer_events_per_s"] > 0
    assert backlog["relay_memory_mb"] > 10
    assert backlog["consumer_memory_mb"] > 10


def test_a_quick_run_reports_what_overload_leaves_and_what_tokens_and_tracing_cost(tmp_path: Path) -> None:
    assert run_bench(BenchOptions(quick=True, only=("overload", "auth", "tracing"), results=tmp_path)) == 0
    results = json.loads((tmp_path / "bench.json").read_text())
    overload, auth, tracing = results["overload"], results["auth"], results["tracing"]
    assert 0 < overload["goodput_per_s"] <= overload["answered_per_s"]
    assert overload["peak_per_s"] > 0
    assert auth["accepted_per_s_trusted"] > 0
    assert auth["accepted_per_s_jwt"] > 0
    assert 0 < auth["known_token_us"] < auth["cpu_us_jwt"]
    assert auth["cost_us"] == pytest.approx(auth["cpu_us_jwt"] - auth["cpu_us_trusted"], abs=0.01)
    assert tracing["cpu_us_off"] > 0
    assert tracing["cpu_us_sampled"] > 0
    assert tracing["cost_percent"] == pytest.approx(
        (tracing["cpu_us_sampled"] / tracing["cpu_us_off"] - 1) * 100, abs=1
    )
