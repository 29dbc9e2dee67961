"""Local Redis: one private port of the loopback, everything else in one folder."""

import os
import socket
from pathlib import Path

from gavel_tools.local_servers.local_server import LocalServer
from gavel_tools.local_servers.server_process import find_program

# A cache: what does not fit is dropped, the least lately used first.
MEMORY_MAX = "256mb"
START_SECONDS_MAX = 10.0
STOP_SECONDS_MAX = 5.0
ANSWER_SECONDS_MAX = 1.0


class LocalRedis(LocalServer):
    """A cache: what it held is gone once it stops."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__("redis", folder, f"redis://127.0.0.1:{port}/0", STOP_SECONDS_MAX)
        self._port = port

    def start(self) -> None:
        """See LocalServer.start."""
        command = [str(find_program("redis-server")), *self._options()]
        self._folder.mkdir(parents=True, exist_ok=True)
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        self._server.serve(command, environment, self._port, _answers, START_SECONDS_MAX)

    def _options(self) -> list[str]:
        return [
            *("--bind", "127.0.0.1"),
            *("--port", str(self._port)),
            *("--dir", str(self._folder)),
            *("--save", ""),
            *("--appendonly", "no"),
            *("--maxmemory", MEMORY_MAX),
            *("--maxmemory-policy", "allkeys-lru"),
        ]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS_MAX) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
    except OSError:
        return False
