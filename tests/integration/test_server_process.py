"""Server programs outlive the process that starts them, and are found by the lock that they hold."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from gavel_tools.local_servers.server_process import LocalServerFailed, ServerProcess, find_program

pytestmark = pytest.mark.integration

SECONDS_MAX = 10.0
FOR_LONG = ["sleep", "1000"]
ENVIRONMENT = {"PATH": os.environ["PATH"]}


@pytest.fixture
def server(tmp_path: Path) -> Generator[ServerProcess]:
    server = ServerProcess("sleeper", tmp_path)
    yield server
    server.kill()


def test_a_program_runs_until_any_process_stops_it(server: ServerProcess, tmp_path: Path) -> None:
    another = ServerProcess("sleeper", tmp_path)
    assert not server.runs()
    server.start(FOR_LONG, ENVIRONMENT)
    assert server.runs()
    assert another.runs()
    another.stop(SECONDS_MAX)
    assert not server.runs()
    assert not another.runs()


def test_a_program_outlives_the_process_that_started_it(server: ServerProcess, tmp_path: Path) -> None:
    start = (
        "from pathlib import Path; from gavel_tools.local_servers.server_process import ServerProcess;"
        f" ServerProcess('sleeper', Path({str(tmp_path)!r})).start({FOR_LONG!r}, {ENVIRONMENT!r})"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", start], check=True, timeout=SECONDS_MAX)
    assert server.runs()


def test_it_is_started_once(server: ServerProcess, tmp_path: Path) -> None:
    server.start(FOR_LONG, ENVIRONMENT)
    with pytest.raises(LocalServerFailed, match="runs already"):
        ServerProcess("sleeper", tmp_path).start(FOR_LONG, ENVIRONMENT)


def test_it_can_be_started_again_after_its_death(server: ServerProcess) -> None:
    server.start(FOR_LONG, ENVIRONMENT)
    server.kill()
    assert not server.runs()
    server.start(FOR_LONG, ENVIRONMENT)
    assert server.runs()


def test_what_it_started_ends_with_it(server: ServerProcess) -> None:
    server.start(["sh", "-c", "sleep 1000 & echo $!; wait"], ENVIRONMENT)
    while not (said := server.log_file.read_text()).endswith("\n"):
        assert server.runs()
    server.kill()
    # The last of it may still be on its way out.
    deadline_seconds = time.monotonic() + 30
    while _lives(int(said)) and time.monotonic() < deadline_seconds:
        time.sleep(0.01)
    assert not _lives(int(said))


def test_one_that_does_not_end_when_asked_is_killed(server: ServerProcess) -> None:
    server.start(["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"], ENVIRONMENT)
    while "deaf" not in server.log_file.read_text():
        assert server.runs()
    server.stop(0.1)
    assert not server.runs()


def test_a_frozen_one_runs_and_can_be_killed(server: ServerProcess) -> None:
    server.start(FOR_LONG, ENVIRONMENT)
    server.signal(signal.SIGSTOP)
    assert server.runs()
    server.kill()
    assert not server.runs()


def test_a_stranger_with_the_number_of_a_dead_one_is_never_signalled(server: ServerProcess, tmp_path: Path) -> None:
    stranger = subprocess.Popen(FOR_LONG, start_new_session=True)
    try:
        (tmp_path / "sleeper.pid").write_text(str(stranger.pid))
        assert not server.runs()
        server.kill()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_its_last_output_is_kept(server: ServerProcess) -> None:
    server.start(["sh", "-c", "echo no room left; exit 1"], ENVIRONMENT)
    assert server.wait_gone(SECONDS_MAX)
    assert server.last_words() == "no room left"


def test_a_missing_program_is_reported_with_what_installs_it() -> None:
    with pytest.raises(LocalServerFailed, match="no-such-server is missing: scripts"):
        find_program("no-such-server")


def _lives(process_id: int) -> bool:
    """Whether the process is there and is not one that only waits to be collected."""
    asked = subprocess.run(["ps", "-o", "stat=", "-p", str(process_id)], capture_output=True, text=True, check=False)
    return asked.stdout.strip() not in ("", "Z")
