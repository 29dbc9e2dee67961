"""The four processes on servers of their own, as `make up` starts them, talked to from outside."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from rich.console import Console

from gavel.local_servers.ports import free_port
from gavel.local_servers.rabbitmq import RabbitMqPorts
from gavel.local_servers.stack import Stack, StackPorts
from tests.e2e.gavel_process import Client, service_of


@contextmanager
def running_stack() -> Generator[Stack]:
    """All four, ready; stopped afterwards with their servers. They read this process's environment besides."""
    admin = {name: free_port() for name in StackPorts().admin}
    rabbitmq = RabbitMqPorts(amqp=free_port(), tools=free_port(), registry=free_port())
    with TemporaryDirectory(prefix="gavel-four-") as folder:
        stack = Stack(Path(folder), StackPorts(free_port(), free_port(), admin, rabbitmq, free_port()))
        console = Console(quiet=True)
        try:
            stack.up(console)
            yield stack
        finally:
            stack.down(console)


class StackClient(Client):
    """Calls to whichever of the two APIs has the method."""

    def __init__(self, http: httpx.AsyncClient, stack: Stack) -> None:
        super().__init__(http, f"http://127.0.0.1:{stack.ports.bid_api}")
        self._stats_url = f"http://127.0.0.1:{stack.ports.stats_api}"

    def url_of(self, method: str) -> str:
        """Where a method is."""
        service = service_of(method)
        return f"{self._stats_url if service.startswith('userstats') else self._url}/{service}/{method}"
