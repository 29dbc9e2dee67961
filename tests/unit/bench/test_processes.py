"""Servers under test: started, awaited and stopped; errors have the end of their log."""

import os
import sys
from pathlib import Path

import pytest

from gavel.bids.settings import BidApiSettings, BidWorkerSettings
from gavel.runtime.process.settings import ProcessSettings
from gavel.standalone import StandaloneSettings
from gavel.userstats.settings import StatsApiSettings, StatsWorkerSettings
from gavel_tools.bench.systems import processes
from gavel_tools.bench.systems.four_processes import PROCESSES_LOGS
from gavel_tools.bench.systems.processes import STANDALONE_LOGS, process_usage, running_server
from gavel_tools.local_servers.server_process import LocalServerFailed

READY = """
import http.server, os
class Probe(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["HTTP_PORT"])), Probe).serve_forever()
"""
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY


def test_a_server_is_used_once_it_is_ready_and_gone_afterwards(tmp_path: Path) -> None:
    with running_server((sys.executable, "-c", READY), tmp_path / "data") as server:
        assert server.usage().memory_peak_mb > 1
        os.kill(server.pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


@pytest.mark.parametrize(
    ("logs", "settings"),
    [
        (STANDALONE_LOGS, [StandaloneSettings]),
        (PROCESSES_LOGS, [BidApiSettings, BidWorkerSettings, StatsApiSettings, StatsWorkerSettings]),
    ],
)
def test_servers_log_as_they_do_by_default(logs: dict[str, str], settings: list[type[ProcessSettings]]) -> None:
    for each in settings:
        assert {name: each.model_fields[name.lower()].default for name in logs} == logs


def test_log_settings_of_the_environment_reach_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    command = (sys.executable, "-c", "import os; raise SystemExit(os.environ['LOG_LEVEL'])")
    with pytest.raises(LocalServerFailed, match="WARNING"), running_server(command, tmp_path):
        pass


def test_an_error_of_a_server_that_does_not_start_has_its_output(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('the disk is full')")
    with (
        pytest.raises(LocalServerFailed, match=r"ended with status 1 before it was ready: the disk is full"),
        running_server(command, tmp_path),
    ):
        pass


def test_a_server_that_never_becomes_ready_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "READY_SECONDS_MAX", 0.2)
    command = (sys.executable, "-c", "import time; print('starting', flush=True); time.sleep(60)")
    with pytest.raises(LocalServerFailed, match="is not ready after"), running_server(command, tmp_path):
        pass


def test_a_server_that_does_not_stop_is_killed_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS_MAX", 0.2)
    pid = 0
    with (
        pytest.raises(LocalServerFailed, match="did not stop"),
        running_server((sys.executable, "-c", STUBBORN), tmp_path) as server,
    ):
        pid = server.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_process_has_taken_cpu_time_and_memory() -> None:
    before = process_usage(os.getpid())
    sum(number * number for number in range(500_000))
    after = process_usage(os.getpid())
    assert after.cpu_seconds >= before.cpu_seconds > 0
    assert after.memory_peak_mb >= before.memory_peak_mb > 5
