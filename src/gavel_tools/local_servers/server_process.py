"""A server program that runs apart from this process, under a name in a folder.

It holds a lock on a file of the folder for as long as it lives. So any process that opens the folder
later knows whether the server runs and its process id, and never signals another process that got the same id.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# Debian keeps servers where a user's PATH may not look.
SERVER_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/opt/homebrew/sbin")
LOG_TAIL_CHARACTERS = 2_000
POLL_SECONDS = 0.02
KILL_SECONDS_MAX = 5.0


class LocalServerFailed(Exception):
    """A server could not be found or started; the text says why and what to do."""


def find_program(name: str, *folders: str) -> Path:
    """The program, looked for in these folders first. Raises LocalServerFailed."""
    path = os.pathsep.join([*folders, os.environ.get("PATH", os.defpath), *SERVER_FOLDERS])
    found = shutil.which(name, path=path)
    if found is None:
        raise LocalServerFailed(f"{name} is missing: scripts/install-test-servers.sh installs it")
    return Path(found)


class ServerProcess:
    """One program in one folder, with the processes it starts."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.log_file = folder / f"{name}.log"
        self._lock_file = folder / f"{name}.pid"
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start the program; its output goes to `log_file`. Raises LocalServerFailed if it runs already."""
        with self._lock_file.open("a+") as lock, self.log_file.open("ab") as log:
            if not _lock(lock.fileno(), fcntl.LOCK_EX):
                raise LocalServerFailed(f"{self.name} runs already in {self._lock_file.parent}")
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=self._lock_file.parent,
                # A group of its own: signals reach all of it, and a terminal's Ctrl-C none of it.
                start_new_session=True,
                pass_fds=(lock.fileno(),),
            )
            lock.truncate(0)
            lock.write(str(self._child.pid))

    def runs(self) -> bool:
        """Whether the program runs, whichever process started it."""
        try:
            with self._lock_file.open("a+") as lock:
                # Shared, so that two processes that check at one moment don't take each other for the server.
                runs = not _lock(lock.fileno(), fcntl.LOCK_SH)
        except FileNotFoundError:
            return False
        if self._child is not None and not runs:
            # It let go of the lock when it died, and is there as a zombie until its exit status is collected.
            self._child.wait(KILL_SECONDS_MAX)
        return runs

    def serve(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        port: int,
        answers: Callable[[int], bool],
        seconds_max: float,
    ) -> None:
        """Start the program unless it runs, and wait until it answers on its port. Raises LocalServerFailed."""
        if self.runs():
            return
        if answers(port):
            raise LocalServerFailed(f"port {port} is in use, so {self.name} can't have it")
        self.start(command, environment)
        self.wait_ready(lambda: answers(port), seconds_max)

    def wait_ready(self, ready: Callable[[], bool], seconds_max: float) -> None:
        """Wait until `ready` returns True. Raises LocalServerFailed if the program ends, or after `seconds_max`."""
        deadline = time.monotonic() + seconds_max
        while not ready():
            if not self.runs():
                status = "" if self.exit_code is None else f" with status {self.exit_code}"
                raise LocalServerFailed(f"{self.name} ended{status} before it was ready: {self.last_words()}")
            if time.monotonic() > deadline:
                raise LocalServerFailed(f"{self.name} is not ready after {seconds_max:g} s: {self.last_words()}")
            time.sleep(POLL_SECONDS)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all of it; no effect if it does not run."""
        if self.runs():
            os.killpg(self.pid(), number)

    def pid(self) -> int:
        """The id of its process, while it runs."""
        return int(self._lock_file.read_text())

    def stop(self, seconds_max: float) -> None:
        """Ask it to end, and kill it if it did not within that time."""
        self.signal(signal.SIGTERM)
        if not self.wait_gone(seconds_max):
            self.kill()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.signal(signal.SIGKILL)
        if not self.wait_gone(KILL_SECONDS_MAX):
            raise LocalServerFailed(f"{self.name} can't be killed")

    def wait_gone(self, seconds_max: float) -> bool:
        """Wait until it has ended, at most so long; whether it has."""
        deadline = time.monotonic() + seconds_max
        while self.runs():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        if self._child is not None:
            # Its files are closed a moment before its parent can collect its exit status.
            self._child.wait()
        return True

    @property
    def exit_code(self) -> int | None:
        """Exit status of the process that was started here; None while it runs, or if another process started it."""
        return None if self._child is None else self._child.returncode

    def last_words(self) -> str:
        """The end of its output, for error messages."""
        said = self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
        return said[-LOG_TAIL_CHARACTERS:].strip() or "no output"


def _lock(file_number: int, kind: int) -> bool:
    """Whether the lock could be had; the process that inherits the open file keeps it."""
    try:
        fcntl.flock(file_number, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
