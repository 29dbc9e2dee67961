"""`make up`, `make down`, `make queues`: the four processes on a Postgres, RabbitMQ and Redis of their own.

Everything runs apart from this program, in one folder, on unusual ports of the loopback.
"""

import asyncio
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from gavel.runtime.postgres.connections import DATABASE_ERRORS
from gavel.runtime.postgres.data_folder import DataFolderUnusable, FolderInUse, data_folder, held_data_folder
from gavel.runtime.postgres.embedded import EmbeddedPostgresFailed, PostgresCluster
from gavel.runtime.postgres.migrations import migrate_database
from gavel.runtime.process.standard_streams import open_standard_streams
from gavel.standalone import DATABASES
from gavel_tools.local_servers.ports import free_port
from gavel_tools.local_servers.rabbitmq import LocalRabbitMq, RabbitMqPorts
from gavel_tools.local_servers.readiness import is_ready
from gavel_tools.local_servers.redis import LocalRedis
from gavel_tools.local_servers.server_process import LocalServerFailed, ServerProcess

# The processes' role in each database: not its owner, who could rewrite the log.
SERVICE_ROLES = {"bid_db": "gavel_bids", "stats_db": "gavel_stats"}

# All start at once, on a machine that may be busy; a process that ends instead is reported at once.
READY_SECONDS_MAX = 120.0
STOP_SECONDS_MAX = 10.0
EXIT_FAILED = 2
EXIT_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class StackPorts:
    """Where everything listens, on the loopback.

    A process is named by its command, with a number where it is not the first of its kind: `bid-api`, `bid-api-2`.
    `admin` names all that there are, and `further_apis` has the HTTP ports of those with a number.
    """

    bid_api: int = 8080
    stats_api: int = 8081
    admin: Mapping[str, int] = field(
        default_factory=lambda: {"bid-api": 9090, "bid-worker": 9091, "stats-api": 9092, "stats-worker": 9093}
    )
    rabbitmq: RabbitMqPorts = RabbitMqPorts(amqp=28_720, tools=28_721, registry=28_722)  # noqa: RUF009 - it is frozen
    redis: int = 28_723
    further_apis: Mapping[str, int] = field(default_factory=dict[str, int])

    def http_port(self, name: str) -> int:
        """Where a process takes calls; a worker never uses it."""
        first = self.stats_api if command_of(name) == "stats-api" else self.bid_api
        return self.further_apis.get(name, first)


def command_of(name: str) -> str:
    """The command that a process of this name runs."""
    return name.rstrip("0123456789").rstrip("-")


def private_ports(counts: Mapping[str, int] | None = None) -> StackPorts:
    """Choose free ports; `counts` is the number of processes of a command, if it is not one."""
    commands = tuple(StackPorts().admin)
    counts = counts or {}
    further = [f"{command}-{number}" for command in commands for number in range(2, counts.get(command, 1) + 1)]
    return StackPorts(
        bid_api=free_port(),
        stats_api=free_port(),
        admin={name: free_port() for name in (*commands, *further)},
        rabbitmq=RabbitMqPorts(amqp=free_port(), tools=free_port(), registry=free_port()),
        redis=free_port(),
        further_apis={name: free_port() for name in further if command_of(name).endswith("-api")},
    )


class Stack:
    """All of Gavel's processes and their servers, in a folder."""

    def __init__(self, folder: Path, ports: StackPorts, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are for the processes, over those of the environment."""
        self.folder = folder.resolve()
        self.ports = ports
        self._settings = settings or {}
        self.postgres = PostgresCluster(self.folder)
        self.rabbitmq = LocalRabbitMq(self.folder / "rabbitmq", ports.rabbitmq)
        self.redis = LocalRedis(self.folder / "redis", ports.redis)
        self.processes = {name: ServerProcess(name, self.folder) for name in ports.admin}

    def up(self, console: Console) -> None:
        """Start what does not run yet, servers first, and print each step.

        Raises LocalServerFailed, EmbeddedPostgresFailed, DataFolderUnusable or FolderInUse.
        """
        with held_data_folder(self.folder):
            with _step(console, "Starting Postgres"):
                self.postgres.start()
                asyncio.run(self.migrate())
            with _step(console, "Starting RabbitMQ"):
                self.rabbitmq.start()
            with _step(console, "Starting Redis"):
                self.redis.start()
            for name in self.processes:
                with _step(console, f"Starting gavel {name}"):
                    self.start_process(name)
            for name, port in self.ports.admin.items():
                with _step(console, f"Waiting for gavel {name}: http://127.0.0.1:{port}/readyz has the reason"):
                    self.wait_ready(name)

    def down(self, console: Console) -> None:
        """Stop the processes, then the servers, and print each step. Raises DataFolderUnusable or FolderInUse."""
        with held_data_folder(self.folder):
            for name, process in reversed(self.processes.items()):
                with _step(console, f"Stopping gavel {name}"):
                    process.stop(STOP_SECONDS_MAX)
            with _step(console, "Stopping Redis, RabbitMQ and Postgres"):
                self.redis.stop()
                self.rabbitmq.stop()
                self.postgres.stop()

    def start_process(self, name: str) -> None:
        """Start one of the processes, unless it runs."""
        if not self.processes[name].runs():
            self.processes[name].start([sys.executable, "-m", "gavel", command_of(name)], self._environment(name))

    async def migrate(self) -> None:
        """Make the databases where they are missing, with the current schema, and the roles that may use it."""
        for database, package in DATABASES.items():
            role = SERVICE_ROLES[database]
            await self.postgres.server.create_database(database)
            await self.postgres.server.create_role(role)
            await migrate_database(self.postgres.server.url(database), package, [role])

    def _environment(self, name: str) -> dict[str, str]:
        return {
            **os.environ,
            **self._settings,
            "BID_DB_URL": self.postgres.server.url("bid_db", SERVICE_ROLES["bid_db"]),
            "STATS_DB_URL": self.postgres.server.url("stats_db", SERVICE_ROLES["stats_db"]),
            "RABBITMQ_URL": self.rabbitmq.url,
            "REDIS_URL": self.redis.url,
            "HTTP_PORT": str(self.ports.http_port(name)),
            "ADMIN_PORT": str(self.ports.admin[name]),
        }

    def wait_ready(self, name: str) -> None:
        """Wait until a process is ready. Raises LocalServerFailed if it ends, or takes too long."""
        self.processes[name].wait_ready(lambda: is_ready(self.ports.admin[name]), READY_SECONDS_MAX)


@contextmanager
def _step(console: Console, what: str) -> Generator[None]:
    """Print the current step: a line that stays, and on a terminal a spinner."""
    console.print(f"{what} ...", markup=False)
    with console.status(""):
        yield


def main(command: str) -> int:
    """Run `up`, `down` or `queues`; the exit status."""
    open_standard_streams()
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    try:
        stack = Stack(data_folder() / "up", StackPorts())
        match command:
            case "up":
                stack.up(console)
                console.print(_next_steps(stack))
            case "down":
                stack.down(console)
                console.print("Down. The data stays.")
            case _:
                console.print(stack.rabbitmq.control("list_queues", "name", "type", "messages", "consumers"))
    except LocalServerFailed as error:
        print(f"gavel: {error} (make down stops what runs already)", file=sys.stderr)
        return EXIT_FAILED
    except (EmbeddedPostgresFailed, DataFolderUnusable, FolderInUse, *DATABASE_ERRORS) as error:
        print(f"gavel: {error or type(error).__name__}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("gavel: interrupted; make down stops what runs already", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def _next_steps(stack: Stack) -> str:
    bids, stats = f"http://127.0.0.1:{stack.ports.bid_api}", f"http://127.0.0.1:{stack.ports.stats_api}"
    return (
        f"Up: BidService on {bids}, UserStatsService on {stats}\n"
        f"To list ten auctions and let bidders at them: "
        f".venv/bin/gavel bidders --create 10 --url {bids} --stats-url {stats} --verify\n"
        f"make queues shows the broker's queues. Logs and data are in {stack.folder}; make down stops it all."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
