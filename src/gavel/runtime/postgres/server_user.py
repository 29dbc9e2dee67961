"""System user of the embedded server when Gavel runs as root, which Postgres refuses."""

import os
import pwd
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import structlog

# The name that the wheel uses for the user.
SERVER_USER = "pgserver"

_READ_BY_ALL = stat.S_IROTH | stat.S_IRGRP
_SEARCH_BY_ALL = stat.S_IXOTH | stat.S_IXGRP

_log = structlog.get_logger(__name__)


class ServerUserUnusable(Exception):
    """The server has no user to run as, or that user can't enter a folder; the text says what to do."""


class ServerUser(NamedTuple):
    """A system user, by its ids: a group of the same name need not exist."""

    name: str
    uid: int
    gid: int


def find_server_user() -> ServerUser | None:
    """Return the user to run the server as, created if it is missing; None if this process is not root.

    Raises ServerUserUnusable.
    """
    if os.geteuid() != 0:
        return None
    try:
        found = pwd.getpwnam(SERVER_USER)
    except KeyError:
        _make_user()
        found = pwd.getpwnam(SERVER_USER)
    return ServerUser(found.pw_name, found.pw_uid, found.pw_gid)


def _make_user() -> None:
    useradd = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_USER]
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            useradd, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    except OSError as error:
        raise _no_user(error.strerror or type(error).__name__) from error
    if done.returncode != 0:
        raise _no_user(" ".join(done.stderr.split()).removeprefix("useradd: "))


def _no_user(reason: str) -> ServerUserUnusable:
    return ServerUserUnusable(
        f"Postgres does not run as root, and the system user {SERVER_USER} for it can't be made (useradd: {reason}):"
        f" make that user, or run Gavel as an ordinary user with a GAVEL_DATA_DIR of its own"
    )


def is_open(folder: Path, user: ServerUser) -> bool:
    """Whether the user can pass through the folder."""
    found = folder.stat()
    return bool(found.st_mode & (stat.S_IXUSR if found.st_uid == user.uid else stat.S_IXOTH))


def open_way(path: Path, user: ServerUser) -> None:
    """Let the user pass through the folders above a path. Each change is logged.

    Only root's own folders are opened. Raises ServerUserUnusable if another user's folder is closed.
    """
    for folder in path.parents:
        if is_open(folder, user):
            continue
        found = folder.stat()
        if found.st_uid != 0:
            raise ServerUserUnusable(
                f"{folder} is closed to the system user {user.name}, which runs Postgres where Gavel is root: run Gavel"
                f" as the folder's owner, or open it (chmod o+x), or set GAVEL_DATA_DIR if it holds the data"
            )
        mode = stat.S_IMODE(found.st_mode) | stat.S_IXOTH
        folder.chmod(mode)
        _log.warning("folder_opened", folder=str(folder), mode=f"{mode:04o}", reason=f"{user.name} passes through it")


def open_programs(folders: Iterable[Path]) -> None:
    """Make programs readable and executable for all users if the umask at installation forbade it. Logged."""
    closed = [
        path
        for folder in folders
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink() and not path.stat().st_mode & stat.S_IROTH
    ]
    for path in closed:
        mode = path.stat().st_mode
        path.chmod(stat.S_IMODE(mode) | _READ_BY_ALL | (_SEARCH_BY_ALL if mode & stat.S_IXUSR else 0))
    if closed:
        _log.warning("programs_opened", folder=str(closed[0]), files=len(closed), reason=f"{SERVER_USER} runs them")
