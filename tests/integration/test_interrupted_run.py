"""What a test run has started ends with it, also where the run is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import psutil
import pytest

from tests.house.tree import ROOT
from tests.servers.guardian import processes_of

pytestmark = pytest.mark.integration

WORKERS = 2
START_SECONDS_MAX = 90
END_SECONDS_MAX = 60
POLL_SECONDS = 0.05


@pytest.fixture
def run(tmp_path: Path) -> Generator["subprocess.Popen[bytes]"]:
    """A parallel run whose workers start a Redis each and never end."""
    # No engine, no server that is there already.
    environment = os.environ | {"TMPDIR": str(tmp_path), "DOCKER_HOST": "tcp://127.0.0.1:9"}
    for name in ("GAVEL_TEST_REDIS_URL", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        environment.pop(name, None)
    endless = ROOT / "tests" / "servers" / "endless.py"
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-n", str(WORKERS), "--dist", "worksteal", str(endless)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    yield process
    process.kill()
    process.wait()


def _until(holds: Callable[[], bool], seconds_max: float) -> None:
    deadline = time.monotonic() + seconds_max
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(POLL_SECONDS)


def _redis_servers(folder: Path) -> list[psutil.Process]:
    return [each for each in processes_of(str(folder)) if each.name() == "redis-server"]


def test_the_servers_of_a_parallel_run_end_when_all_of_it_is_killed(
    run: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    _until(lambda: len(_redis_servers(tmp_path)) == WORKERS, START_SECONDS_MAX)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    _until(lambda: not processes_of(str(tmp_path)) and not list(tmp_path.iterdir()), END_SECONDS_MAX)
