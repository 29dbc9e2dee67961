"""What Tilt relies on: edited source is used at SIGHUP, and the process still ends as its pod expects."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio

from gavel_tools.local_servers.ports import free_port
from tests.deploy.rendered import ROOT

RELOAD = ROOT / "deploy" / "development" / "reload.py"
WAIT_SECONDS_MAX = 60


class Reloading:
    """`gavel bid-api` below reload.py, on a database that is away."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "source"
        self.source.mkdir()
        self._process: Process | None = None

    async def start(self, **settings: str) -> Process:
        """Start it."""
        ports = {"HTTP_PORT": str(free_port()), "ADMIN_PORT": str(free_port())}
        database = {"BID_DB_URL": "postgresql://gavel@127.0.0.1:1/bid_db", "REDIS_URL": "", "RABBITMQ_URL": ""}
        environment = os.environ | {"AUTH_MODE": "trusted", "GAVEL_RELOAD_SOURCE": str(self.source)} | ports | database
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(RELOAD), "bid-api"), env=environment | settings, stdout=PIPE, stderr=STDOUT
        )
        return self._process

    async def line_with(self, text: str) -> str:
        """The next log line that has the text in it."""
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while line := (await self._process.stdout.readline()).decode():
                if text in line:
                    return line
        raise AssertionError("it ended")

    async def kill(self) -> None:
        """End what still runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()


@pytest_asyncio.fixture
async def reloading(tmp_path: Path) -> AsyncGenerator[Reloading]:
    """Not started yet."""
    made = Reloading(tmp_path)
    yield made
    await made.kill()


async def test_edited_source_is_used_at_sighup_and_sigterm_ends_it_in_good_order(reloading: Reloading) -> None:
    process = await reloading.start()
    assert '"version": "0.1.0"' in await reloading.line_with('"started"')
    root = reloading.source / "gavel" / "__init__.py"
    root.write_text(root.read_text(encoding="utf-8").replace('"0.1.0"', '"0.1.0-edited"'), encoding="utf-8")
    process.send_signal(signal.SIGHUP)
    assert '"version": "0.1.0-edited"' in await reloading.line_with('"started"')
    process.send_signal(signal.SIGTERM)
    await reloading.line_with('"stopped"')
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        assert await process.wait() == 0


async def test_a_process_that_ends_without_a_signal_ends_its_pod_with_its_status(reloading: Reloading) -> None:
    process = await reloading.start(AUTH_MODE="none")
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        said, _ = await process.communicate()
    assert process.returncode == 2
    assert b"AUTH_MODE" in said
