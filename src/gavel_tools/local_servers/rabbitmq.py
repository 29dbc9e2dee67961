"""Local RabbitMQ: three private ports of the loopback, everything else in one folder."""

import os
import re
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gavel_tools.local_servers.server_process import LocalServerFailed, ServerProcess, find_program

# Debian's own commands on the PATH switch to another user and folder; these are what they call.
SCRIPTS_FOLDER = "/usr/lib/rabbitmq/bin"
NODE = "gavel@localhost"
START_SECONDS_MAX = 90.0
STOP_SECONDS_MAX = 20.0
COMMAND_SECONDS_MAX = 60.0


# The server asks `df` how full its disk is, by way of a shell and without quotes; a space only spoils that answer.
_SHELL_CHARACTERS = re.compile(r"""["'`$;&|<>()\\*?!{}\[\]#~\n]""")


@dataclass(frozen=True, slots=True)
class RabbitMqPorts:
    """Where clients, the server's own tools, and the registry of its runtime are reached."""

    amqp: int
    tools: int
    registry: int


class LocalRabbitMq:
    """A server in a folder, controlled (and made to fail) by any process that opens the folder. Calls block."""

    def __init__(self, folder: Path, ports: RabbitMqPorts) -> None:
        self.url = f"amqp://guest:guest@127.0.0.1:{ports.amqp}/"
        self._folder = folder.resolve()
        self._ports = ports
        # Started here because the server would leave one running.
        self._registry = ServerProcess("epmd", self._folder)
        self._server = ServerProcess("rabbitmq", self._folder)

    def start(self) -> None:
        """Start the server unless it runs, and wait until it takes connections. Raises LocalServerFailed."""
        if found := _SHELL_CHARACTERS.search(str(self._folder)):
            raise LocalServerFailed(
                f"RabbitMQ hands the path of its folder to a shell, where {found[0]!r} has a meaning: {self._folder};"
                f" GAVEL_DATA_DIR names another"
            )
        program = find_program("rabbitmq-server", SCRIPTS_FOLDER)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "advanced.config").write_text(self._configuration())
        (self._folder / "enabled_plugins").write_text("[].\n")
        if not self._registry.runs():
            registry = [str(find_program("epmd")), "-port", str(self._ports.registry), "-address", "127.0.0.1"]
            self._start(self._registry, registry, self._ports.registry)
        if not self._server.runs():
            self._start(self._server, [str(program)], self._ports.amqp)

    def stop(self) -> None:
        """Stop it cleanly; what was confirmed is on disk."""
        self.thaw()
        self._server.stop(STOP_SECONDS_MAX)
        self._registry.kill()

    def kill(self) -> None:
        """Kill the server at once, as a power cut would."""
        self._server.kill()

    def freeze(self) -> None:
        """Freeze the server: it answers nothing, its connections stay open."""
        self._server.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume a frozen server."""
        self._server.signal(signal.SIGCONT)

    def runs(self) -> bool:
        """Whether the server runs."""
        return self._server.runs()

    def control(self, *arguments: str) -> str:
        """Run `rabbitmqctl` and return its output. Takes about a second. Raises LocalServerFailed."""
        command = [str(find_program("rabbitmqctl", SCRIPTS_FOLDER)), "--quiet", "--node", NODE, *arguments]
        done = subprocess.run(
            command,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )
        if done.returncode != 0:
            raise LocalServerFailed(f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}".strip())
        return done.stdout.strip()

    def _configuration(self) -> str:
        # In the format of `advanced.config`, which the server reads twice as fast as the plain one.
        return f'[{{rabbit, [{{tcp_listeners, [{{"127.0.0.1", {self._ports.amqp}}}]}}]}}].\n'

    def _environment(self) -> dict[str, str]:
        only_here = "-kernel inet_dist_use_interface {127,0,0,1}"
        folder = self._folder
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            # The runtime keeps its cookie here, so that no other tools reach the server.
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._ports.registry),
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_DIST_PORT": str(self._ports.tools),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": only_here,
            "RABBITMQ_CTL_ERL_ARGS": only_here,
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            # The system's own settings, which are another server's.
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        }

    def _start(self, server: ServerProcess, command: list[str], port: int) -> None:
        if _takes_connections(port):
            raise LocalServerFailed(f"port {port} is in use, so {server.name} can't have it")
        server.start(command, self._environment())
        server.wait_ready(lambda: _takes_connections(port), START_SECONDS_MAX)


def _takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
