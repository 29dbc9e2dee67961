"""A Postgres of a test's own, which it may stop hard, start again, freeze and thaw, and give a replica."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.embedded import SUPERUSER, PostgresCluster
from gavel.runtime.postgres.migrations import load_migrations, migrate, migrate_database
from gavel.runtime.postgres.postmaster import PORT
from gavel.runtime.postgres.socket_folder import known_socket_folder

BID_DB = "bid_db"
STOP_SECONDS_MAX = 10

_STREAMS = "SELECT EXISTS (SELECT FROM pg_stat_wal_receiver)"


class OwnPostgres:
    """A server of its own folder, made but not started."""

    def __init__(self, folder: Path) -> None:
        self.data = folder.resolve() / "postgres"
        self._pid_file = self.data / "postmaster.pid"
        self._cluster = PostgresCluster(folder.resolve())
        self.url = self._cluster.server.url(BID_DB)

    async def start(self) -> None:
        """Leave it running and ready, after a hard stop too."""
        await asyncio.to_thread(self._cluster.start)

    async def stop(self) -> None:
        """Stop it in good order, if it runs."""
        await asyncio.to_thread(self._cluster.stop)

    async def make_bid_db(self) -> None:
        """Make a migrated bid_db."""
        await self._cluster.server.create_database(BID_DB)
        connection = await postgres.connect(self.url, "tests")
        await migrate(connection, load_migrations("gavel.bids"))
        await connection.close()

    async def make_stats_db(self) -> str:
        """Make a migrated stats_db; its URL."""
        await self._cluster.server.create_database("stats_db")
        url = self._cluster.server.url("stats_db")
        await migrate_database(url, "gavel.userstats")
        return url

    async def copy_to(self, folder: Path) -> "OwnPostgres":
        """Make an asynchronous replica that is not started yet; this server must be stopped for it."""
        replica = OwnPostgres(folder)
        await asyncio.to_thread(_copy, self.data, replica.data)
        return replica

    async def follow(self, primary: "OwnPostgres | None") -> None:
        """Have a running replica stream from a server, or from none."""
        source = f"host={primary.socket_folder} port={PORT} user={SUPERUSER}" if primary else ""
        connection = await postgres.connect(self._cluster.server.url("postgres"), "tests")
        await connection.execute(f"ALTER SYSTEM SET primary_conninfo = '{source}'")
        await connection.execute("SELECT pg_reload_conf()")
        async with asyncio.timeout(STOP_SECONDS_MAX):
            while await connection.fetchval(_STREAMS) != bool(primary):  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.01)
        await connection.close()

    async def promote(self) -> None:
        """Make a replica the primary."""
        connection = await postgres.connect(self._cluster.server.url("postgres"), "tests")
        assert await connection.fetchval("SELECT pg_promote()")
        await connection.close()

    @property
    def socket_folder(self) -> Path:
        """Where its socket is."""
        return known_socket_folder(self.data)

    async def kill(self) -> None:
        """Kill all of its processes at once, as `kill -9` does."""
        postmaster = self._postmaster()
        self._signal_all(signal.SIGKILL)
        await _gone(postmaster)

    async def stop_hard(self) -> None:
        """Stop it at once, as a crash does: what was not flushed is lost, and it recovers when it is started."""
        postmaster = self._postmaster()
        os.kill(postmaster, signal.SIGQUIT)
        await _gone(postmaster)

    def freeze(self) -> None:
        """Stop every process of the server from running; connections stay open."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them run again."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        signal_all(self._pid_file, number)

    def _postmaster(self) -> int:
        return _postmaster(self._pid_file)


def _copy(data: Path, copy: Path) -> None:
    shutil.copytree(data, copy)
    (copy / "standby.signal").touch()
    owner = data.stat()
    for path in (copy, *copy.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)


async def _gone(process_id: int) -> None:
    async with asyncio.timeout(STOP_SECONDS_MAX):
        while _is_alive(process_id):  # noqa: ASYNC110 - what it waits for happens in another process
            await asyncio.sleep(0.01)


def signal_all(pid_file: Path, number: signal.Signals) -> None:
    """Send a signal to every process of the server that wrote this file."""
    postmaster = _postmaster(pid_file)
    # The postmaster first, so that it starts no process while the others are frozen.
    os.kill(postmaster, number)
    for child in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split():
        # One that was about to end when it was frozen is gone as soon as the server goes on.
        with suppress(ProcessLookupError):
            os.kill(int(child), number)


def _postmaster(pid_file: Path) -> int:
    return int(pid_file.read_text().split()[0])


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
    return "Z" not in stat.rpartition(")")[2].split()[:1]


@asynccontextmanager
async def own_postgres() -> AsyncGenerator[OwnPostgres]:
    """A running server with a migrated bid_db; stopped on the way out."""
    # Not below pytest's own folder: another run closes that to all other users, and with it the server's data.
    with TemporaryDirectory(prefix="gavel-tests-") as folder:
        server = OwnPostgres(Path(folder))
        try:
            await server.start()
            await server.make_bid_db()
            yield server
        finally:
            await server.stop()
