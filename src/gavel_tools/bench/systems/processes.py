"""The servers under test: real processes on data folders of their own, started, awaited, watched and stopped."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gavel.runtime.postgres.embedded import PostgresCluster
from gavel_tools.local_servers.ports import free_port
from gavel_tools.local_servers.readiness import is_ready
from gavel_tools.local_servers.server_process import LocalServerFailed, ServerProcess

HOST = "127.0.0.1"
READY_SECONDS_MAX = 90.0
STOP_SECONDS_MAX = 20.0

GAVEL_COMMAND = (sys.executable, "-m", "gavel", "standalone")
NAIVE_COMMAND = (sys.executable, "-m", "gavel_tools.bench.systems.naive_server")
CEILING_COMMAND = (sys.executable, "-m", "gavel_tools.bench.systems.ceiling_server")

# The defaults of `gavel standalone`, set so that those of this process's environment have no effect.
STANDALONE_LOGS = {"LOG_LEVEL": "WARNING", "LOG_FORMAT": "console"}


@dataclass(frozen=True, slots=True)
class Usage:
    """Resource usage of a process so far: CPU time, the most memory that it ever held, and what it holds now."""

    cpu_seconds: float
    memory_peak_mb: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready: where it listens, its process, and its data folder."""

    port: int
    pid: int
    folder: Path

    @property
    def bid_db_url(self) -> str:
        """The URL of its bid_db; the HTTP ceiling has none."""
        return PostgresCluster(self.folder.resolve()).server.url("bid_db")

    def usage(self) -> Usage:
        """What the process itself has taken; its Postgres is not counted."""
        return process_usage(self.pid)


@contextmanager
def running_server(
    command: Sequence[str], folder: Path, settings: Mapping[str, str] | None = None
) -> Generator[Server]:
    """Run a server on a data folder inside the context, with these settings added. Raises LocalServerFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    environment = os.environ | {
        "GAVEL_DATA_DIR": str(folder),
        "HTTP_HOST": HOST,
        "HTTP_PORT": str(port),
        "AUTH_MODE": "trusted",
        # A measurement's few users exceed the rate limit of a user.
        "RATE_LIMIT_USER_PER_SECOND": "0",
        "SELLER_CALLS_PER_DAY": "0",
        **STANDALONE_LOGS,
        **(settings or {}),
    }
    process = ServerProcess("server", folder)
    process.start(command, environment)
    pid = process.pid()
    try:
        process.wait_ready(lambda: is_ready(port), READY_SECONDS_MAX)
        yield Server(port, pid, folder)
    finally:
        process.signal(signal.SIGTERM)
        if not process.wait_gone(STOP_SECONDS_MAX):
            process.kill()
            raise LocalServerFailed(f"the server did not stop in {STOP_SECONDS_MAX:g} s: {process.last_words()}")


def process_usage(pid: int) -> Usage:
    """CPU time and peak memory of a process, from the kernel; without /proc, its present memory from ps."""
    folder = Path("/proc") / str(pid)
    if not folder.exists():
        asked = subprocess.run(["ps", "-o", "rss=,time=", "-p", str(pid)], capture_output=True, text=True, check=True)
        resident_kb, cpu_time = asked.stdout.split()
        return Usage(_seconds_of(cpu_time), int(resident_kb) / 1024, int(resident_kb) / 1024)
    # The name of the program stands in parentheses and may hold spaces: fields are counted from behind it.
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
    peak_mb, now_mb = (int(status[name].split()[0]) / 1024 for name in ("VmHWM", "VmRSS"))
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), peak_mb, now_mb)


def _seconds_of(clock: str) -> float:
    """Seconds of a time as ps writes it: [hours:]minutes:seconds."""
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds
