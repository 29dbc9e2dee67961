"""A real Gavel process, talked to from outside."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import httpx

from gavel_tools.local_servers.ports import free_port

START_SECONDS_MAX = 120
# Beside all else that a busy machine does; what is promised is held by test_servers_away.py.
STOP_SECONDS_MAX = 60
POLL_SECONDS = 0.05
# Variables of libpq and of Postgres itself, with values that would keep it from starting or being reached.
HOSTILE = {
    "PGPORT": "6000",
    "PGHOST": "/nowhere",
    "PGUSER": "nobody",
    "PGDATABASE": "none",
    "PGPASSFILE": "/",
    "PGSSLMODE": "verify-full",
    "PGSSLNEGOTIATION": "direct",
    "PGTARGETSESSIONATTRS": "standby",
    "PGOPTIONS": "-c none=1",
    "PGDATA": "/nowhere",
    "PGTZ": "none",
}


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment without Gavel's settings, and with these.

    The terminal is narrow, so that a test which depends on its width fails always and not by the length of a path.
    """
    ours = (
        "ADDRESS_", "AUTH_", "BID_", "GAVEL_", "HOUSE_", "HTTP_", "JWT_", "LOG_", "OTEL_", "PUBLIC_", "RABBITMQ_",
        "RATE_", "REDIS_", "SELLER_", "STATS_", "TRUSTED_",
    )  # fmt: skip
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return inherited | {"COLUMNS": "20"} | settings


@contextmanager
def new_data_folder() -> Generator[Path]:
    """A folder for a Gavel's data, with room for its log beside it."""
    # Not below pytest's own folder: another run closes that to all other users, and with it the server's data.
    with TemporaryDirectory(prefix="gavel-tests-", ignore_cleanup_errors=True) as folder:
        # As on macOS, where the default one has a space, and worse: no test needs a plain path.
        data_folder = Path(folder) / "the data's folder 100% é"
        data_folder.mkdir()
        yield data_folder


async def start(
    *arguments: str, env: Mapping[str, str], stdout: int = DEVNULL, stderr: int | IO[bytes] = PIPE
) -> Process:
    """Start `gavel ARGUMENTS`."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gavel", *arguments, env=dict(env), stdin=DEVNULL, stdout=stdout, stderr=stderr
    )


async def run(*arguments: str, env: Mapping[str, str], out: bool = False) -> tuple[int, str]:
    """Run `gavel ARGUMENTS` to its end: the exit status and what it said on standard error, or on standard output."""
    process = await start(*arguments, env=env, stdout=PIPE if out else DEVNULL)
    async with asyncio.timeout(START_SECONDS_MAX):
        told, said = await process.communicate()
    return process.returncode or 0, (told if out else said).decode()


class Standalone:
    """One `gavel standalone` after another on the same data folder and port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = environment(
            AUTH_MODE="trusted", GAVEL_DATA_DIR=str(folder), HTTP_PORT=str(self.port), LOG_LEVEL="INFO"
        )
        # A file, because a pipe that is not read while another loop runs would stop the process once it is full.
        self._log = folder.with_name(f"{folder.name}.log")
        self._process: Process | None = None

    async def start(self, *arguments: str) -> None:
        """Start it, and return when it is ready."""
        with self._log.open("wb") as log:
            self._process = await start("standalone", *arguments, env=self.env, stderr=log)
        async with asyncio.timeout(START_SECONDS_MAX), httpx.AsyncClient() as client:
            while True:
                if self._process.returncode is not None:
                    raise AssertionError(f"gavel standalone ended: {await self.logs()}")
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(POLL_SECONDS)

    async def stop(self) -> int:
        """Ask it to stop, and return its exit status; it must be gone within STOP_SECONDS_MAX."""
        return await self.signalled(signal.SIGTERM)

    async def kill(self) -> None:
        """End it without a chance to clean up."""
        await self.signalled(signal.SIGKILL)

    async def logs(self) -> str:
        """What the process that has ended said on standard error."""
        return self._log.read_text(encoding="utf-8")

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    async def signalled(self, number: signal.Signals) -> int:
        """Send a signal that ends it, and return its exit status; it must be gone within STOP_SECONDS_MAX."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        async with asyncio.timeout(STOP_SECONDS_MAX):
            return await self._process.wait()


@asynccontextmanager
async def running_standalone(folder: Path, **settings: str) -> AsyncGenerator[Standalone]:
    """A running `gavel standalone`, stopped afterwards with its Postgres."""
    gavel = Standalone(folder)
    gavel.env |= settings
    await gavel.start()
    try:
        yield gavel
    finally:
        await gavel.stop()


class Client:
    """Calls of both services as JSON, the way curl does."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self.http = http
        self.url = url

    async def call(self, method: str, body: Mapping[str, Any], **headers: str) -> httpx.Response:
        """POST to `bids.v1.BidService/METHOD`, or to the stats service where the method is its own."""
        return await self.http.post(self.url_of(method), json=body, headers=headers)

    def url_of(self, method: str) -> str:
        """Where a method is."""
        return f"{self.url}/{service_of(method)}/{method}"

    async def ok(self, method: str, body: Mapping[str, Any], **headers: str) -> dict[str, Any]:
        """The reply to a call that must be answered."""
        reply = await self.call(method, body, **headers)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def list_item(self, *, headers: Mapping[str, str] | None = None, **fields: Any) -> str:
        """List an item that ends in a year; its id."""
        item = {"title": "A lot", "sellerId": SELLER_ID, "startPrice": 100, "endAt": "2035-01-01T00:00:00Z"} | fields
        return (await self.ok("CreateItem", item, **(headers or {})))["item"]["id"]

    async def bids(self, item_id: str) -> list[dict[str, Any]]:
        """All bids of an item, oldest first."""
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            page = await self.ok("GetItemBids", {"itemId": item_id, "pageSize": 100, "pageToken": token})
            found += page.get("bids", [])
            token = page.get("nextPageToken", "")
            if not token:
                return found[::-1]

    async def stats_once(
        self, user_id: str, total_bids: int, within_seconds: float = 60, **others: int
    ) -> dict[str, Any]:
        """The user's statistics once they count so many bids, and so much else: counting comes a moment after the bid.

        `others` are fields as JSON has them, such as itemsWon.
        """
        awaited = {"totalBids": total_bids, **others}
        async with asyncio.timeout(within_seconds):
            while True:
                reply = await self.call("GetUserStats", {"userId": user_id})
                stats: dict[str, Any] = reply.json().get("stats", {})
                if all(int(stats.get(name, 0)) == number for name, number in awaited.items()):
                    return stats
                await asyncio.sleep(POLL_SECONDS)


SELLER_ID = "5e11e500-0000-4000-8000-000000000001"


def bidder(number: int) -> str:
    """The id of a bidder."""
    return f"b1dde500-0000-4000-8000-{number:012x}"


def service_of(method: str) -> str:
    """The service that a method belongs to."""
    return "userstats.v1.UserStatsService" if method in ("GetUserStats", "ListTopBidders") else "bids.v1.BidService"
