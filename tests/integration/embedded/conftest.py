"""Embedded servers of a test's own, copied from one that was made once."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gavel.runtime.postgres.embedded import PostgresCluster
from gavel.runtime.postgres.postmaster import find_postmaster
from gavel.runtime.postgres.server_user import find_server_user

SECONDS_MAX = 30.0


@contextmanager
def _new_folder() -> Generator[Path]:
    # Not below pytest's own folder: another run closes that to all other users, and with it the server's data.
    with TemporaryDirectory(prefix="gavel-tests-", ignore_cleanup_errors=True) as folder:
        # The server's user passes through it, where that is not this one.
        Path(folder).chmod(0o711)
        yield Path(folder).resolve()


@pytest.fixture
def folder() -> Generator[Path]:
    """A folder for a test's data; whatever server runs in it, or in a folder of it, is ended afterwards."""
    with _new_folder() as folder:
        yield folder
        for data in [*folder.glob("postgres"), *folder.glob("*/postgres")]:
            if data.is_dir() and (postmaster := find_postmaster(data)) is not None:
                postmaster.signal(signal.SIGQUIT)
                postmaster.wait_gone(SECONDS_MAX)
        for record in folder.rglob("socket-folder"):
            shutil.rmtree(record.read_text().partition(" ")[2], ignore_errors=True)


@pytest.fixture(scope="session")
def _made_once() -> Generator[Path]:
    with _new_folder() as folder:
        cluster = PostgresCluster(folder)
        cluster.start()
        cluster.stop()
        yield folder


@pytest.fixture
def copy_to(_made_once: Path) -> Callable[[Path], PostgresCluster]:
    """Copy the data of a server that was stopped into a folder: a cluster that need not be initialised again."""

    def copy(to: Path) -> PostgresCluster:
        to.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", _made_once / "postgres", to], check=True)
        return PostgresCluster(to)

    return copy


@pytest.fixture
def cluster(copy_to: Callable[[Path], PostgresCluster], folder: Path) -> PostgresCluster:
    """A cluster in `folder` that is not running."""
    return copy_to(folder)


@pytest.fixture
def innocent() -> Generator["subprocess.Popen[bytes]"]:
    """Another process of the user that Postgres runs as, which has nothing to do with any server."""
    with running_innocent() as process:
        yield process


@contextmanager
def running_innocent(folder: Path = Path("/"), program: Path | str = "sleep") -> Generator["subprocess.Popen[bytes]"]:
    """Run a process that does nothing in a folder, as the user that Postgres runs as."""
    user = find_server_user()
    process = subprocess.Popen(
        [program, "1000"],
        cwd=folder,
        start_new_session=True,
        user=user.uid if user else None,
        group=user.gid if user else None,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def kill_hard(cluster_folder: Path) -> int:
    """Kill the server of a folder with `kill -9`, and wait until none of its processes is left; its id."""
    postmaster = find_postmaster(cluster_folder / "postgres")
    assert postmaster is not None
    left = [postmaster.pid, *children_of(postmaster.pid)]
    postmaster.signal(signal.SIGKILL)
    postmaster.wait_gone(SECONDS_MAX)
    deadline = time.monotonic() + SECONDS_MAX
    while any(map(lives, left)):
        assert time.monotonic() < deadline, left
        time.sleep(0.01)
    return postmaster.pid


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    asked = subprocess.run(["ps", "-o", "pid=,ppid=", "-A"], capture_output=True, text=True, check=True)
    rows = [tuple(map(int, line.split())) for line in asked.stdout.splitlines()]
    return [child for child, parent in rows if parent == pid]


def lives(pid: int) -> bool:
    """Whether a process is there and is not one that only waits to be collected."""
    asked = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip()[:1] not in ("", "Z")


def is_root() -> bool:
    """Whether the tests run as root, for whom the server runs as another user."""
    return os.geteuid() == 0
