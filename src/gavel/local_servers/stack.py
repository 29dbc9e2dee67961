"""`make up` and `make down`: the four processes on a Postgres, RabbitMQ and Redis of their own.

Everything runs apart from this program, in one folder, on ports of the loopback that are nobody's usual ones.
"""

import asyncio
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from rich.console import Console

from gavel.local_servers.rabbitmq import LocalRabbitMq, RabbitMqPorts
from gavel.local_servers.server_process import POLL_SECONDS, LocalServerFailed, ServerProcess
from gavel.runtime.embedded_postgres import EmbeddedPostgresFailed, PostgresCluster
from gavel.runtime.migrations import migrate_database
from gavel.standalone import DATABASES, default_data_folder

RABBITMQ_PORTS = RabbitMqPorts(amqp=56_720, tools=56_721, registry=56_722)
READY_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 10.0

BID_API_PORT, STATS_API_PORT = 8080, 8081
ADMIN_PORTS = {"bid-api": 9090, "bid-worker": 9091, "stats-api": 9092, "stats-worker": 9093}


class Stack:
    """All of Gavel's processes and their servers, in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self._postgres = PostgresCluster(self.folder)
        self._rabbitmq = LocalRabbitMq(self.folder / "rabbitmq", RABBITMQ_PORTS)
        self._processes = {name: ServerProcess(name, self.folder) for name in ADMIN_PORTS}

    def up(self, console: Console) -> None:
        """Start what does not run yet, servers first. Raises LocalServerFailed or EmbeddedPostgresFailed."""
        with console.status("Starting Postgres"):
            self._postgres.start()
            asyncio.run(self._migrate())
        with console.status("Starting RabbitMQ"):
            self._rabbitmq.start()
        for name, process in self._processes.items():
            with console.status(f"Starting gavel {name}"):
                if not process.runs():
                    process.start([sys.executable, "-m", "gavel", name], self._environment(name))
        for name in self._processes:
            with console.status(f"Waiting for gavel {name}"):
                self._wait_ready(name)

    def down(self, console: Console) -> None:
        """Stop the processes, then the servers."""
        for name, process in reversed(self._processes.items()):
            with console.status(f"Stopping gavel {name}"):
                process.stop(STOP_SECONDS_MAX)
        with console.status("Stopping the servers"):
            self._rabbitmq.stop()
            self._postgres.stop()

    async def _migrate(self) -> None:
        for database, package in DATABASES.items():
            await self._postgres.server.create_database(database)
            await migrate_database(self._postgres.server.url(database), package)

    def _environment(self, name: str) -> dict[str, str]:
        return os.environ | {
            "BID_DB_URL": self._postgres.server.url("bid_db"),
            "STATS_DB_URL": self._postgres.server.url("stats_db"),
            "RABBITMQ_URL": self._rabbitmq.url,
            "HTTP_PORT": str(STATS_API_PORT if name == "stats-api" else BID_API_PORT),
            "ADMIN_PORT": str(ADMIN_PORTS[name]),
        }

    def _wait_ready(self, name: str) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not _is_ready(ADMIN_PORTS[name]):
            process = self._processes[name]
            if not process.runs():
                raise LocalServerFailed(f"gavel {name} did not start: {process.last_words()}")
            if time.monotonic() > deadline:
                raise LocalServerFailed(
                    f"gavel {name} is not ready after {READY_SECONDS_MAX:.0f} s: {process.log_file}"
                )
            time.sleep(POLL_SECONDS)


def _is_ready(admin_port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{admin_port}/readyz", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def main(command: str) -> int:
    """Run `up` or `down`; the exit status."""
    console = Console()
    stack = Stack(Path(os.environ.get("GAVEL_DATA_DIR") or default_data_folder()) / "up")
    try:
        stack.up(console) if command == "up" else stack.down(console)
    except (LocalServerFailed, EmbeddedPostgresFailed) as error:
        console.print(f"[red]gavel:[/red] {error}", highlight=False)
        return 2
    if command == "up":
        console.print(
            f"Up: BidService on http://127.0.0.1:{BID_API_PORT}, UserStatsService on http://127.0.0.1:{STATS_API_PORT}\n"
            f"Logs and data are in {stack.folder}; make down stops it.",
            highlight=False,
        )
    else:
        console.print("Down. The data stays.", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
