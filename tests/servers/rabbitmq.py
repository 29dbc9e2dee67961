"""RabbitMQ for the tests."""

import os
import socket
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from gavel_tools.local_servers.ports import free_port
from gavel_tools.local_servers.rabbitmq import LocalRabbitMq, RabbitMqPorts
from gavel_tools.local_servers.server_process import LocalServerFailed
from tests.servers.containers import RABBITMQ_IMAGE, host_of, rabbitmq_container, why_no_container
from tests.servers.summary import summary

# The URL of a vhost on which tests may declare and delete what bears their names.
URL_VARIABLE = "GAVEL_TEST_RABBITMQ_URL"
START_SECONDS_MAX = 90.0
START_TRIES_MAX = 3
POLL_SECONDS = 0.05


class RabbitMqServer(Protocol):
    """A server of the run's own, which may be harmed. Calls block."""

    url: str

    def start(self) -> None:
        """Leave it running and taking connections."""
        ...

    def stop(self) -> None:
        """Stop it cleanly."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...

    def freeze(self) -> None:
        """Freeze it: it answers nothing, its connections stay open."""
        ...

    def thaw(self) -> None:
        """Let a frozen one go on."""
        ...

    def control(self, *arguments: str) -> str:
        """What `rabbitmqctl` says to this."""
        ...


def given_url() -> str | None:
    """Return the URL of the server that the environment names."""
    url = os.environ.get(URL_VARIABLE)
    if url is not None:
        summary.came_from("RabbitMQ", URL_VARIABLE)
    return url


@contextmanager
def own_rabbitmq() -> Generator[RabbitMqServer]:
    """A server for this run alone, in a container or from this machine's programs, in words where there is neither."""
    reason = why_no_container(RABBITMQ_IMAGE)
    if reason is None:
        summary.came_from("RabbitMQ", f"a container of {RABBITMQ_IMAGE}", container=True)
    else:
        summary.came_from("RabbitMQ", f"this machine's programs ({reason})")
    with _container() if reason is None else _local() as server:
        yield server


@contextmanager
def _local() -> Generator[RabbitMqServer]:
    with ExitStack() as stack:
        yield _started(stack)


def _started(stack: ExitStack) -> LocalRabbitMq:
    """A running server; where one does not start, another is tried: a run's tests all hang on it."""
    failures: list[Exception] = []
    while len(failures) < START_TRIES_MAX:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="gavel-tests-")))
        server = LocalRabbitMq(folder, RabbitMqPorts(free_port(), free_port(), free_port()))
        stack.callback(server.stop)
        try:
            server.start()
        except LocalServerFailed as failure:
            failures.append(failure)
        else:
            return server
    raise ExceptionGroup("RabbitMQ does not start", failures)


@contextmanager
def _container() -> Generator[RabbitMqServer]:
    port = free_port()
    with rabbitmq_container(port) as container:
        server = ContainerRabbitMq(container.get_wrapped_container(), host_of(container), port)
        server.start()
        yield server


class ContainerRabbitMq:
    """A server in a container, on one port of the engine's machine for as long as it is there."""

    def __init__(self, container: Any, host: str, port: int) -> None:
        self.url = f"amqp://guest:guest@{host}:{port}/"
        self._container = container
        self._address = (host, port)

    def start(self) -> None:
        """See RabbitMqServer.start."""
        self._container.start()
        deadline = time.monotonic() + START_SECONDS_MAX
        while not _speaks_amqp(self._address):
            assert time.monotonic() < deadline, "the container's RabbitMQ does not start"
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """See RabbitMqServer.stop."""
        self._container.stop()

    def kill(self) -> None:
        """See RabbitMqServer.kill."""
        self._container.kill()

    def freeze(self) -> None:
        """See RabbitMqServer.freeze."""
        self._container.pause()

    def thaw(self) -> None:
        """See RabbitMqServer.thaw."""
        self._container.reload()
        if self._container.status == "paused":
            self._container.unpause()

    def control(self, *arguments: str) -> str:
        """See RabbitMqServer.control."""
        status, output = self._container.exec_run(["rabbitmqctl", "--quiet", *arguments])
        assert status == 0, output
        return output.decode().strip()


def _speaks_amqp(address: tuple[str, int]) -> bool:
    """Whether a server greets there: the port of a container takes connections before its server does."""
    try:
        with socket.create_connection(address, timeout=1) as connection:
            connection.settimeout(1)
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return len(connection.recv(8)) == 8
    except OSError:
        return False
