"""Local RabbitMQ: three private ports of the loopback, everything else in one folder."""

import os
import re
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gavel_tools.local_servers.local_server import LocalServer
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


class LocalRabbitMq(LocalServer):
    """A broker: what it confirmed is on disk."""

    def __init__(self, folder: Path, ports: RabbitMqPorts) -> None:
        super().__init__("rabbitmq", folder, f"amqp://guest:guest@127.0.0.1:{ports.amqp}/", STOP_SECONDS_MAX)
        self._ports = ports
        # Started here because the server would leave one running.
        self._registry = ServerProcess("epmd", self._folder)

    def start(self) -> None:
        """See LocalServer.start."""
        if found := _SHELL_CHARACTERS.search(str(self._folder)):
            raise LocalServerFailed(
                f"RabbitMQ hands the path of its folder to a shell, where {found[0]!r} has a meaning: {self._folder};"
                f" GAVEL_DATA_DIR names another"
            )
        program = find_program("rabbitmq-server", SCRIPTS_FOLDER)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "advanced.config").write_text(self._configuration())
        (self._folder / "enabled_plugins").write_text("[].\n")
        registry = [str(find_program("epmd")), "-port", str(self._ports.registry), "-address", "127.0.0.1"]
        environment = self._environment()
        self._registry.serve(registry, environment, self._ports.registry, _takes_connections, START_SECONDS_MAX)
        self._server.serve([str(program)], environment, self._ports.amqp, _takes_connections, START_SECONDS_MAX)

    def stop(self) -> None:
        """See LocalServer.stop."""
        super().stop()
        self._registry.kill()

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


def _takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
