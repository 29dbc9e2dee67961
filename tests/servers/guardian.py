"""The guardian of a run: a process that ends what the run has started, however the run itself ended.

Its standard input is a pipe from pytest, which closes when that process is gone, be it killed. Workers and servers
know the run by its folder: TMPDIR names it, or they work in it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

END_SECONDS_MAX = 30.0
POLL_SECONDS = 0.05


@contextmanager
def guarded_folder() -> Generator[Path]:
    """A folder for all that this process and its children keep, in TMPDIR; afterwards neither it nor they are left."""
    # Short, because sockets lie in it, whose paths are bounded.
    folder = Path(tempfile.mkdtemp(prefix="gt-")).resolve()
    # The user that Postgres runs as passes through.
    folder.chmod(0o711)
    guardian = subprocess.Popen(
        # Without this folder among those of modules: it has a `redis`.
        [sys.executable, "-P", __file__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        # Neither Ctrl-C nor a closed terminal is for it.
        start_new_session=True,
    )
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = None
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before
        guardian.communicate()


def processes_of(folder: str) -> list[psutil.Process]:
    """Return the processes whose TMPDIR is the folder, and those that work in it."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _is_of(process, folder)]


def _is_of(process: psutil.Process, folder: str) -> bool:
    try:
        return process.environ().get("TMPDIR") == folder or f"{process.cwd()}/".startswith(f"{folder}/")
    except (psutil.Error, OSError):
        # It has ended, or is another user's.
        return False


def main(folder: str) -> None:
    """Wait until the run has ended, then end what it has left, and remove its folder."""
    sys.stdin.read()
    deadline = time.monotonic() + END_SECONDS_MAX
    while (left := processes_of(folder)) and time.monotonic() < deadline:
        for process in left:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(left, timeout=POLL_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
