"""Socket folder of the embedded server: the data folder itself, or a private one with a short path."""

import os
import stat
import tempfile
from pathlib import Path

from gavel.runtime.postgres.data_folder import DataFolderUnusable, in_one_line
from gavel.runtime.postgres.server_user import ServerUser, is_open

# A socket's path takes 103 bytes at most (macOS) with its own name, and some are left over.
SOCKET_FOLDER_BYTES_MAX = 85

_RECORD = "socket-folder"
_MADE_NAME_BYTES = len("/gavel-") + 8


def known_socket_folder(data: Path) -> Path:
    """Return the socket's folder, as far as it is known before the server has been started."""
    return data if _fits(data) else _recorded(data) or data


def socket_folder_for(data: Path, user: ServerUser | None) -> Path:
    """Return the folder for the socket of this data: the data's own, the one that was made before, or a new one.

    A new one gets an unpredictable name, and is recorded beside the data, so that it is found again even if TMPDIR
    changes. Raises DataFolderUnusable.
    """
    if _fits(data):
        return data
    owner = user.uid if user else os.geteuid()
    recorded = _recorded(data)
    if recorded is not None and _is_private(recorded, owner):
        return recorded
    for parent in (Path(tempfile.gettempdir()).resolve(), Path("/tmp")):  # noqa: S108 - mkdtemp makes the name
        if _fits(parent, _MADE_NAME_BYTES) and _is_open_to(parent, user):
            made = Path(tempfile.mkdtemp(prefix="gavel-", dir=parent))
            if user is not None:
                os.chown(made, user.uid, user.gid, follow_symlinks=False)
            (data.parent / _RECORD).write_text(f"{data.stat().st_ino} {made}", encoding="utf-8")
            return made
    said = f"its path has a comma or takes more than {SOCKET_FOLDER_BYTES_MAX} bytes ({len(os.fsencode(data))})"
    raise DataFolderUnusable(data.parent, f"{said}, and TMPDIR is no shorter")


def _is_open_to(parent: Path, user: ServerUser | None) -> bool:
    return user is None or all(is_open(folder, user) for folder in (parent, *parent.parents))


def _fits(folder: Path, further_bytes: int = 0) -> bool:
    # asyncpg reads a comma as the end of a host name.
    is_text = "," not in str(folder) and in_one_line(folder) == str(folder)
    return is_text and len(os.fsencode(folder)) + further_bytes <= SOCKET_FOLDER_BYTES_MAX


def _recorded(data: Path) -> Path | None:
    try:
        inode, _, folder = (data.parent / _RECORD).read_text(encoding="utf-8").partition(" ")
        # A copy of a data folder has another inode: it must not share the original's socket.
        return Path(folder) if inode == str(data.stat().st_ino) else None
    except FileNotFoundError:
        return None


def _is_private(folder: Path, owner: int) -> bool:
    """Whether it is a folder, not a symlink, that only its owner can enter."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and stat.S_IMODE(found.st_mode) == stat.S_IRWXU
