"""A local server: what can be done to a RabbitMQ and a Redis alike."""

import signal
from abc import ABC, abstractmethod
from pathlib import Path

from gavel_tools.local_servers.server_process import ServerProcess


class LocalServer(ABC):
    """A server in a folder, controlled (and made to fail) by any process that opens the folder. Calls block."""

    def __init__(self, name: str, folder: Path, url: str, stop_seconds_max: float) -> None:
        self.url = url
        self._folder = folder.resolve()
        self._server = ServerProcess(name, self._folder)
        self._stop_seconds_max = stop_seconds_max

    @abstractmethod
    def start(self) -> None:
        """Start the server unless it runs, and wait until it answers. Raises LocalServerFailed."""

    def stop(self) -> None:
        """Stop it cleanly, or kill it if that takes too long."""
        self.thaw()
        self._server.stop(self._stop_seconds_max)

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
