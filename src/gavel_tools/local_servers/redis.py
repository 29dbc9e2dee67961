"""Local Redis: one private port of the loopback, everything else in one folder."""

import os
import signal
import socket
from pathlib import Path

from gavel_tools.local_servers.server_process import LocalServerFailed, ServerProcess, find_program

# A cache: what does not fit is dropped, the least lately used first.
MEMORY_MAX = "256mb"
START_SECONDS_MAX = 10.0
STOP_SECONDS_MAX = 5.0
ANSWER_SECONDS_MAX = 1.0


class LocalRedis:
    """A server in a folder, controlled (and made to fail) by any process that opens the folder. Calls block."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"redis://127.0.0.1:{port}/0"
        self._folder = folder.resolve()
        self._port = port
        self._server = ServerProcess("redis", self._folder)

    def start(self) -> None:
        """Start the server unless it runs, and wait until it answers. Raises LocalServerFailed."""
        program = find_program("redis-server")
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._server.runs():
            return
        if _answers(self._port):
            raise LocalServerFailed(f"port {self._port} is in use, so redis can't have it")
        self._server.start([str(program), *self._options()], {"PATH": os.environ.get("PATH", os.defpath)})
        self._server.wait_ready(lambda: _answers(self._port), START_SECONDS_MAX)

    def stop(self) -> None:
        """Stop it; what it held is gone, as a cache's may be."""
        self.thaw()
        self._server.stop(STOP_SECONDS_MAX)

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
