"""Conditions of a measurement: machine, versions and settings."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from gavel import __version__
from gavel_tools.bench.case import Effort
from gavel_tools.bench.clients.wrk import program
from gavel_tools.bench.systems.four_processes import PROCESSES_LOGS
from gavel_tools.bench.systems.processes import STANDALONE_LOGS

# Above this share of the cores the machine has other things to do, and the figures are not its own.
BUSY_LOAD_PER_CPU = 0.25


@dataclass(frozen=True, slots=True)
class Conditions:
    """The machine and the run. `load_average` is the machine's over the minute before the start."""

    date: str
    gavel: str
    cpu: str
    cpu_count: int
    load_average: float
    system: str
    python: str
    wrk: str
    rounds: int
    connections: int
    seconds: int
    warmup_seconds: int
    single_bids: int
    logs: str
    postgres: Mapping[str, str]

    @property
    def busy(self) -> bool:
        """Whether something else was running before the start."""
        return self.load_average > BUSY_LOAD_PER_CPU * self.cpu_count

    def as_json(self) -> dict[str, object]:
        """As the results hold it."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The conditions in words, for people."""
        postgres = ", ".join(f"{name} {value}" for name, value in self.postgres.items() if name != "server_version")
        version = self.postgres.get("server_version", "not asked")
        rounds = (
            f"{self.rounds} rounds of {self.seconds} s a case and side, in turn, each after {self.warmup_seconds} s"
        )
        return [
            f"{self.date}, Gavel {self.gavel}, load average {self.load_average:.2f} at the start",
            f"{self.cpu_count} x {self.cpu}, {self.system}, everything on it: servers, Postgres, load",
            f"Python {self.python}, {self.wrk}, Postgres {version} ({postgres})",
            f"Default log settings: {self.logs}",
            f"{rounds} of warm-up; {self.connections} connections; {self.single_bids} single bids a round; medians",
        ]


def read_conditions(rounds: int, effort: Effort) -> Conditions:
    """The conditions at the start of a run, but for the database's, which is not there yet."""
    return Conditions(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        gavel=__version__,
        cpu=_cpu_model(),
        cpu_count=_cpu_count(),
        load_average=os.getloadavg()[0],
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        wrk=_wrk_version(),
        rounds=rounds,
        connections=effort.connections,
        seconds=effort.seconds,
        warmup_seconds=effort.warmup_seconds,
        single_bids=effort.single_bids,
        logs=f"standalone {_words(STANDALONE_LOGS)}, the four processes {_words(PROCESSES_LOGS)}",
        postgres={},
    )


def _words(logs: Mapping[str, str]) -> str:
    return " ".join(logs.values())


def _cpu_count() -> int:
    """The cores that this process may use, which can be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and (found := re.search(r"^model name\s*: (.+)$", cpuinfo.read_text(), re.MULTILINE)):
        return found[1]
    return platform.processor() or platform.machine()


def _wrk_version() -> str:
    """Its first line; asked for its version, wrk ends with status 1."""
    asked = subprocess.run([program(), "-v"], capture_output=True, text=True, check=False)
    return " ".join((asked.stdout + asked.stderr).split()[:2])
