"""The four processes under test, with the servers that `make up` gives them, on data and ports of the run's own.

Two more bid-apis can be started beside the first.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from gavel_tools.bench.systems.processes import HOST, Usage, process_usage
from gavel_tools.local_servers.stack import STOP_SECONDS_MAX, Stack, private_ports

# The defaults of the four processes, set so that those of this process's environment have no effect.
PROCESSES_LOGS = {"LOG_LEVEL": "INFO", "LOG_FORMAT": "json"}
# A measurement's few users exceed the rate limit of a user.
_SETTINGS = {
    "AUTH_MODE": "trusted",
    "HTTP_HOST": HOST,
    "RATE_LIMIT_USER_PER_SECOND": "0",
    "SELLER_CALLS_PER_DAY": "0",
    **PROCESSES_LOGS,
}
FURTHER_BID_APIS = ("bid-api-2", "bid-api-3")


@dataclass(frozen=True, slots=True)
class FourProcesses:
    """All of Gavel on Postgres, RabbitMQ and Redis; each process can be stopped and started again."""

    stack: Stack

    @property
    def bid_db_url(self) -> str:
        """Where bids are decided."""
        return self.stack.postgres.server.url("bid_db")

    @property
    def stats_db_url(self) -> str:
        """Where they are counted."""
        return self.stack.postgres.server.url("stats_db")

    def stop(self, name: str) -> None:
        """Stop a process as an operator would."""
        self.stack.processes[name].stop(STOP_SECONDS_MAX)

    def start(self, name: str) -> None:
        """Start a process, and return when it is ready."""
        self.stack.start_process(name)
        self.stack.wait_ready(name)

    def usage(self, name: str) -> Usage:
        """What a process itself has taken since it was started."""
        return process_usage(self.stack.processes[name].pid())


@contextmanager
def running_four_processes(folder: Path, console: Console) -> Generator[FourProcesses]:
    """Run everything inside the context. Raises LocalServerFailed or EmbeddedPostgresFailed."""
    stack = Stack(folder, private_ports({"bid-api": 1 + len(FURTHER_BID_APIS)}), _SETTINGS)
    processes = FourProcesses(stack)
    try:
        stack.up(console)
        for name in FURTHER_BID_APIS:
            processes.stop(name)
        yield processes
    finally:
        stack.down(console)
