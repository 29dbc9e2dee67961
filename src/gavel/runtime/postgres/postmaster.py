"""The postmaster of a data folder: found by its pid file, and identified before it is sent any signal."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import psutil

PROGRAM = "postgres"
PORT = 5432

_READY = "ready"


class PidFile(NamedTuple):
    """Contents of a server's pid file. Fields that it has not written yet are 0 or empty."""

    pid: int
    port: int
    socket_folder: str
    status: str

    @property
    def is_ready(self) -> bool:
        """Whether the server takes connections."""
        return self.status == _READY


def pid_file_of(data: Path) -> Path:
    """Return the path of the pid file of this data's server."""
    return data / "postmaster.pid"


def read_pid_file(data: Path) -> PidFile | None:
    """Read the pid file of a server's data; None if it is missing, empty or not Postgres'.

    A server writes the file line by line while it starts. Raises OSError if it can't be read.
    """
    try:
        lines = pid_file_of(data).read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    except FileNotFoundError:
        return None
    # A single-user server writes its pid with a minus.
    pid = _number(lines[0].removeprefix("-"))
    # Its lines: pid, data folder, start, port, socket folder, address, shared memory, status.
    lines += [""] * (8 - len(lines))
    return PidFile(pid, _number(lines[3]), lines[4], lines[7].strip()) if pid else None


def _number(line: str) -> int:
    return int(line) if line.isascii() and line.isdigit() else 0


class Postmaster:
    """A process that is known to be the server of a data folder."""

    def __init__(self, process: "psutil.Process") -> None:
        self._process = process
        self.pid = process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; no effect if the process has ended, even if its pid was reused."""
        import psutil

        try:
            self._process.send_signal(number)
        except psutil.NoSuchProcess:
            return

    def wait_gone(self, seconds_max: float) -> bool:
        """Wait up to `seconds_max` until it has ended; whether it has."""
        import psutil

        try:
            self._process.wait(seconds_max)
        except psutil.TimeoutExpired:
            return False
        return True


def find_postmaster(data: Path) -> Postmaster | None:
    """Return the server that runs on this data; None if there is none, whatever the pid file says.

    The process that the pid file names counts only if it runs Postgres' program with this working folder.
    Raises OSError if the pid file can't be read.
    """
    import psutil

    found = read_pid_file(data)
    if found is None:
        return None
    try:
        process = psutil.Process(found.pid)
        return Postmaster(process) if _serves(process, data) else None
    except psutil.NoSuchProcess:
        return None


def _serves(process: "psutil.Process", data: Path) -> bool:
    import psutil

    try:
        return Path(process.exe()).name == PROGRAM and _is_same(process.cwd(), data)
    except psutil.AccessDenied:
        # Containers may keep root from inspecting other users' processes; command lines are readable by all.
        command = process.cmdline()
        is_server = len(command) > 2 and Path(command[0]).name == PROGRAM and command[1] == "-D"
        return is_server and _is_same(command[2], data)


def _is_same(folder: str, data: Path) -> bool:
    try:
        return data.samefile(folder)
    except OSError:
        # The process's working folder is gone.
        return False
