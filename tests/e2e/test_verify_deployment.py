"""scripts/verify-deployment.sh against the four processes: content with all of them, and in words without any one."""

import os
import subprocess
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from rich.console import Console

from gavel.cli.token import open_minter
from gavel_tools.local_servers.stack import STOP_SECONDS_MAX, Stack, private_ports
from tests.proxies import DEAD_PROXY

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SCRIPT = Path(__file__).parents[2] / "scripts" / "verify-deployment.sh"
# For the feed and the totals, where nothing will come.
PATIENCE_SECONDS = "3"
# What must be told where a process is stopped: that it is, and what comes of it.
TOLD = {
    "bid-api": ["bid-api does not run", "CreateItem: no answer"],
    "bid-worker": ["bid-worker does not run", "the bid was accepted and is not in the totals"],
    "stats-api": ["stats-api does not run", "GetUserStats: no answer"],
    "stats-worker": ["stats-worker does not run", "the bid was accepted and is not in the totals"],
}


@pytest.fixture(scope="module")
def stack() -> Generator[Stack]:
    """What `make up` runs, on ports of its own. Here and in the script, a proxy that is named is never asked."""
    with TemporaryDirectory(prefix="gavel-tests-") as folder, pytest.MonkeyPatch.context() as patch:
        for name, value in {"AUTH_MODE": "trusted", **DEAD_PROXY}.items():
            patch.setenv(name, value)
        started = Stack(Path(folder), private_ports())
        try:
            started.up(Console(quiet=True))
            yield started
        finally:
            started.down(Console(quiet=True))


def verify(stack: Stack, *, patience_seconds: str) -> tuple[int, str]:
    """The script's exit status and what it said."""
    urls = ["--api", f"http://127.0.0.1:{stack.ports.bid_api}", "--stats", f"http://127.0.0.1:{stack.ports.stats_api}"]
    admin = [f"--admin={name}=http://127.0.0.1:{port}" for name, port in stack.ports.admin.items()]
    command = [str(SCRIPT), "up", *urls, *admin, "--patience-seconds", patience_seconds]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=dict(os.environ))
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_deployment_that_works_passes(stack: Stack) -> None:
    status, said = verify(stack, patience_seconds="30")
    assert status == 0, said
    assert "WRONG" not in said
    for fact in ("an item is listed", "the feed shows the bid", "the bid is counted", "All is well."):
        assert fact in said


def test_where_no_process_can_be_looked_at_the_calls_alone_are_made(stack: Stack) -> None:
    # As `helm test` has it, in a pod that reaches the two services and nothing else.
    urls = [f"--api=http://127.0.0.1:{stack.ports.bid_api}", f"--stats=http://127.0.0.1:{stack.ports.stats_api}"]
    done = subprocess.run([str(SCRIPT), "calls", *urls], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the bid is counted" in done.stdout
    assert "alive" not in done.stdout


@pytest.mark.parametrize("stopped", list(TOLD))
def test_a_stopped_process_is_named_and_so_is_what_comes_of_it(stack: Stack, stopped: str) -> None:
    stack.processes[stopped].stop(STOP_SECONDS_MAX)
    try:
        status, said = verify(stack, patience_seconds=PATIENCE_SECONDS)
    finally:
        stack.start_process(stopped)
        stack.wait_ready(stopped)
    assert status == 1, said
    for words in TOLD[stopped]:
        assert words in said
    running = [name for name in TOLD if name != stopped]
    assert [name for name in running if f"{name} does not run" in said] == []


def test_with_tokens_two_are_needed_and_the_error_asks_for_them(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    minter = open_minter(tmp_path)
    apis = ("bid-api", "stats-api")
    with monkeypatch.context() as patch:
        for name, value in minter.settings.items():
            patch.setenv(name, value)
        _start_anew(stack, *apis)
    try:
        status, said = verify(stack, patience_seconds=PATIENCE_SECONDS)
        assert status == 1, said
        assert "unauthenticated" in said
        with monkeypatch.context() as patch:
            for name in ("GAVEL_SELLER_TOKEN", "GAVEL_BIDDER_TOKEN"):
                patch.setenv(name, minter.mint(f"a user of {name}", None, 600))
            status, said = verify(stack, patience_seconds="30")
        assert status == 0, said
    finally:
        _start_anew(stack, *apis)


def _start_anew(stack: Stack, *names: str) -> None:
    for name in names:
        stack.processes[name].stop(STOP_SECONDS_MAX)
        stack.start_process(name)
        stack.wait_ready(name)


def test_help_shows_the_usage() -> None:
    said = subprocess.run([str(SCRIPT), "--help"], capture_output=True, text=True, check=True).stdout
    assert "--api" in said
    assert "--patience-seconds" in said
