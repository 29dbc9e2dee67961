"""Redis for the tests."""

import os
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from gavel_tools.local_servers.ports import free_port
from gavel_tools.local_servers.redis import LocalRedis
from tests.servers.containers import REDIS_IMAGE, host_of, redis_container, why_no_container
from tests.servers.summary import summary

# The URL of a database in which tests may write and delete keys of theirs.
URL_VARIABLE = "GAVEL_TEST_REDIS_URL"
START_SECONDS_MAX = 30.0
POLL_SECONDS = 0.02


class RedisServer(Protocol):
    """A server of the run's own, which may be harmed. Calls block."""

    url: str

    def start(self) -> None:
        """Leave it running and answering."""
        ...

    def stop(self) -> None:
        """Stop it."""
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


def given_url() -> str | None:
    """Return the URL of the server that the environment names."""
    url = os.environ.get(URL_VARIABLE)
    if url is not None:
        summary.came_from("Redis", URL_VARIABLE)
    return url


@contextmanager
def own_redis() -> Generator[RedisServer]:
    """A server for this run alone, in a container or from this machine's programs, in words where there is neither."""
    reason = why_no_container(REDIS_IMAGE)
    if reason is None:
        summary.came_from("Redis", f"a container of {REDIS_IMAGE}", container=True)
    else:
        summary.came_from("Redis", f"this machine's programs ({reason})")
    with _container() if reason is None else _local() as server:
        server.start()
        yield server


@contextmanager
def _local() -> Generator[RedisServer]:
    with TemporaryDirectory(prefix="gavel-tests-") as folder:
        server = LocalRedis(Path(folder), free_port())
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def _container() -> Generator[RedisServer]:
    port = free_port()
    with redis_container(port) as container:
        yield ContainerRedis(container.get_wrapped_container(), host_of(container), port)


class ContainerRedis:
    """A server in a container, on one port of the engine's machine for as long as it is there."""

    def __init__(self, container: Any, host: str, port: int) -> None:
        self.url = f"redis://{host}:{port}/0"
        self._container = container
        self._address = (host, port)

    def start(self) -> None:
        """See RedisServer.start."""
        self._container.start()
        deadline = time.monotonic() + START_SECONDS_MAX
        while not _answers(self._address):
            assert time.monotonic() < deadline, "the container's Redis does not start"
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """See RedisServer.stop."""
        self._container.stop()

    def kill(self) -> None:
        """See RedisServer.kill."""
        self._container.kill()

    def freeze(self) -> None:
        """See RedisServer.freeze."""
        self._container.pause()

    def thaw(self) -> None:
        """See RedisServer.thaw."""
        self._container.reload()
        if self._container.status == "paused":
            self._container.unpause()


def _answers(address: tuple[str, int]) -> bool:
    """Whether a server answers there: the port of a container takes connections before its server does."""
    try:
        with socket.create_connection(address, timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
    except OSError:
        return False
