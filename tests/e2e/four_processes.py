"""The four processes on servers of their own, as `make up` starts them, talked to from outside."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from rich.console import Console

from gavel.runtime.postgres.embedded import EmbeddedPostgresFailed
from gavel_tools.local_servers.server_process import LocalServerFailed
from gavel_tools.local_servers.stack import Stack, private_ports
from tests.e2e.gavel_process import Client, environment, service_of

COMMAND_SECONDS_MAX = 60.0
START_TRIES_MAX = 3


@contextmanager
def made_stack(counts: Mapping[str, int] | None = None) -> Generator[Stack]:
    """A stack of which nothing runs yet; stopped afterwards with its servers. Its processes run in trusted mode."""
    with TemporaryDirectory(prefix="gavel four 100% é ") as folder:
        stack = Stack(Path(folder), private_ports(counts), {"AUTH_MODE": "trusted"})
        try:
            yield stack
        finally:
            stack.down(Console(quiet=True))


@contextmanager
def running_stack(counts: Mapping[str, int] | None = None) -> Generator[Stack]:
    """All of it, ready; `counts` as in `private_ports`. Blocks: not for an event loop's own thread."""
    with ExitStack() as opened:
        yield _up(opened, counts)


def _up(opened: ExitStack, counts: Mapping[str, int] | None) -> Stack:
    """Another one where one of its servers does not start, as a RabbitMQ does not now and then."""
    failures: list[Exception] = []
    while len(failures) < START_TRIES_MAX:
        stack = opened.enter_context(made_stack(counts))
        try:
            stack.up(Console(quiet=True))
        except (LocalServerFailed, EmbeddedPostgresFailed) as failure:
            failures.append(failure)
        else:
            return stack
    raise ExceptionGroup("the stack does not start", failures)


async def run_command(stack: Stack, *arguments: str) -> str:
    """Run `gavel ARGUMENTS`, as an operator does, on the stack's servers; what it printed."""
    server = stack.postgres.server
    urls = {"BID_DB_URL": server.url("bid_db"), "STATS_DB_URL": server.url("stats_db")}
    env = environment(RABBITMQ_URL=stack.rabbitmq.url, **urls)
    command = [sys.executable, "-m", "gavel", *arguments]
    process = await asyncio.create_subprocess_exec(*command, env=env, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(COMMAND_SECONDS_MAX):
        printed, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    return printed.decode()


class StackClient(Client):
    """Calls to whichever of the two APIs has the method; `name` is that of the bid API to call."""

    def __init__(self, http: httpx.AsyncClient, stack: Stack, name: str = "bid-api") -> None:
        super().__init__(http, f"http://127.0.0.1:{stack.ports.http_port(name)}")
        self._stats_url = f"http://127.0.0.1:{stack.ports.stats_api}"

    def url_of(self, method: str) -> str:
        """Where a method is."""
        service = service_of(method)
        return f"{self._stats_url if service.startswith('userstats') else self.url}/{service}/{method}"
