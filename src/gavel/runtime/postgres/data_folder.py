"""Data folder of the embedded server: its location, its checks, and its lock."""

import fcntl
import os
import sys
import unicodedata
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


class DataFolderUnusable(Exception):
    """The data folder can't be used. The text is one line: the folder, the reason, and the setting that helps."""

    def __init__(self, folder: Path | str, reason: str | OSError) -> None:
        said = _reason(reason, folder) if isinstance(reason, OSError) else reason
        super().__init__(f"can't use the data folder {in_one_line(folder)}: {said}; GAVEL_DATA_DIR names another")


class FolderInUse(Exception):
    """Another living process holds the data folder."""


def default_data_folder() -> Path:
    """Return the platform's data folder of this user; root's is the system's, which the server's user can enter.

    Raises DataFolderUnusable if this user has no home folder.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/gavel")
    data_home = Path(os.environ.get("XDG_DATA_HOME", ""))
    # The XDG Base Directory Specification: a relative path is invalid and must be ignored.
    if sys.platform != "darwin" and data_home.is_absolute():
        return data_home / "gavel"
    home = _expanded("~")
    return home / "Library/Application Support/gavel" if sys.platform == "darwin" else home / ".local/share/gavel"


def data_folder() -> Path:
    """Return the folder that GAVEL_DATA_DIR names, or the default one if that is blank; it need not exist.

    Raises DataFolderUnusable, also for a relative path: the data would be found only from the same working folder.
    """
    named = os.environ.get("GAVEL_DATA_DIR", "")
    folder = _expanded(named) if named.strip() else default_data_folder()
    if not folder.is_absolute():
        raise DataFolderUnusable(folder, "it must be an absolute path, without quotes around it")
    return folder


@contextmanager
def held_data_folder(folder: Path) -> Generator[Path]:
    """Create the folder if it is missing, and hold its lock inside the context; yields the folder's real path.

    The kernel releases the lock when the process dies, however it dies. Raises FolderInUse or DataFolderUnusable.
    """
    try:
        real = folder.resolve()
        _check_characters(real)
        made_as_root = os.geteuid() == 0 and not real.exists()
        real.mkdir(parents=True, exist_ok=True)
        if made_as_root:
            # The server's user passes through it, whatever this process's umask is.
            real.chmod(0o711)
        descriptor = os.open(real / "gavel.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    # A symlink loop is a RuntimeError before Python 3.13.
    except (OSError, RuntimeError) as error:
        raise DataFolderUnusable(folder, error if isinstance(error, OSError) else str(error)) from error
    with os.fdopen(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = lock.read().strip() or "unknown"
            raise FolderInUse(f"{in_one_line(folder)} is in use by another Gavel (process {holder})") from None
        except OSError as error:
            raise DataFolderUnusable(folder, error) from error
        try:
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
        except OSError as error:
            raise DataFolderUnusable(folder, error) from error
        yield real


def in_one_line(path: Path | str) -> str:
    """Return the path as a message shows it: characters that end or hide a line are escaped."""
    return "".join(letter if _is_plain(letter) else repr(letter)[1:-1] for letter in str(path))


def _is_plain(letter: str) -> bool:
    # Control characters, and bytes that are no text (Python has them as surrogates).
    return unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp")


def _check_characters(folder: Path) -> None:
    # Postgres' own files name the folder on a line of its own, and connection URLs are text.
    for letter in str(folder):
        if not _is_plain(letter):
            raise DataFolderUnusable(folder, f"its path has the character {letter!r}")


def _expanded(folder: str) -> Path:
    try:
        return Path(folder).expanduser()
    except RuntimeError:
        user = folder.partition("/")[0][1:]
        missing = f"there is no user {user}" if user else "HOME is not set, and this user has no home folder"
        raise DataFolderUnusable(folder, missing) from None


def _reason(error: OSError, folder: Path | str) -> str:
    said = error.strerror or type(error).__name__
    where = os.fsdecode(error.filename) if error.filename else str(folder)
    return said if where == str(folder) else f"{said} ({in_one_line(where)})"
