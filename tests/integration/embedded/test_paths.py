"""Whatever characters and length the path of a data folder has, its server starts, answers and stops, or is refused."""

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.data_folder import DataFolderUnusable, held_data_folder
from gavel.runtime.postgres.embedded import EmbeddedPostgresFailed, PostgresCluster, embedded_postgres
from gavel.runtime.postgres.server_user import ServerUser
from gavel.runtime.postgres.socket_folder import SOCKET_FOLDER_BYTES_MAX, socket_folder_for
from tests.integration.embedded.conftest import is_root, kill_hard

pytestmark = pytest.mark.integration

MakeCluster = Callable[[Path], PostgresCluster]


async def data_folder_asked(url: str) -> str:
    connection = await postgres.connect(url, "tests")
    try:
        return await connection.fetchval("SHOW data_directory")
    finally:
        await connection.close()


async def test_a_folder_with_a_space_and_quotes_is_made_served_and_stopped(folder: Path) -> None:
    odd = folder / "a b" / "c'd\"e"
    async with embedded_postgres(odd) as server:
        assert await data_folder_asked(server.url("postgres")) == str(odd / "postgres")
    assert not (odd / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize(
    "name",
    [
        "$HOME #&;|<>",
        "comma,comma",
        "1+2%25=3?host=/nowhere&port=1",
        "(a) [b] {c} *",
        "`touch executed` $(touch executed)",
        "back\\slash",
        " leading and trailing ",
        "~root",
        "日本語データ",
        "é" * 60,
        "l" * 200,
    ],
)
def test_any_character_and_any_length_of_a_path_is_served(
    name: str, folder: Path, copy_to: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    cluster = copy_to(folder / name)
    cluster.start()
    assert asyncio.run(data_folder_asked(cluster.server.url("postgres"))) == str(folder / name / "postgres")
    cluster.stop()
    assert not (folder / name / "postgres" / "postmaster.pid").exists()
    # Nothing of the path was run by a shell.
    assert not list(folder.rglob("executed"))


@pytest.mark.parametrize("name", ["new\nline", "escape\x1b[2J", os.fsdecode(b"no text \xff")])
def test_a_character_that_ends_a_line_or_is_no_text_is_refused_by_name_in_one_line(name: str, folder: Path) -> None:
    with pytest.raises(DataFolderUnusable) as refused, held_data_folder(folder / name):
        pass
    said = str(refused.value)
    assert "its path has the character '\\" in said
    assert said.isprintable()
    assert said.endswith("; GAVEL_DATA_DIR names another")


def test_programs_whose_path_initdb_would_hand_to_a_shell_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = folder / "a`touch executed`b"
    monkeypatch.setattr("gavel.runtime.postgres.embedded.find_programs", lambda: programs / "bin")
    (programs / "bin").mkdir(parents=True)
    (programs / "bin" / "postgres").touch()
    with pytest.raises(EmbeddedPostgresFailed, match=r"the character '`'.*move the virtual environment"):
        PostgresCluster(folder).start()


async def test_after_a_kill_a_long_path_is_served_again_whatever_tmpdir_is_then(
    folder: Path, copy_to: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = folder / ("l" * 100)
    cluster = copy_to(long)
    cluster.start()
    before = cluster.server.url("postgres")
    another = folder / "tmp"
    another.mkdir(mode=0o755)
    monkeypatch.setenv("TMPDIR", str(another))
    monkeypatch.setattr("tempfile.tempdir", None)
    # Adopted: its socket is where it was.
    adopted = PostgresCluster(long)
    adopted.start()
    assert adopted.server.url("postgres") == before
    assert await data_folder_asked(before) == str(long / "postgres")
    kill_hard(long)
    # Started again, likewise: others were told where it is.
    started = PostgresCluster(long)
    started.start()
    assert started.server.url("postgres") == before
    assert await data_folder_asked(before) == str(long / "postgres")
    started.stop()


async def test_a_copy_of_a_long_path_does_not_share_the_originals_socket(folder: Path, copy_to: MakeCluster) -> None:
    original, copied = folder / ("o" * 100), folder / ("c" * 100)
    one = copy_to(original)
    one.start()
    two = copy_to(copied)
    (copied / "socket-folder").write_bytes((original / "socket-folder").read_bytes())
    two.start()
    assert await data_folder_asked(one.server.url("postgres")) == str(original / "postgres")
    assert await data_folder_asked(two.server.url("postgres")) == str(copied / "postgres")
    one.stop()
    two.stop()


def _owner() -> ServerUser | None:
    return ServerUser("nobody", 65534, 65534) if is_root() else None


@pytest.fixture
def long_data(folder: Path) -> Path:
    """Data with a path that is too long for a socket."""
    data = folder / ("l" * 100) / "postgres"
    data.mkdir(parents=True)
    return data


@pytest.fixture
def shared_tmp(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder that everybody can write to."""
    shared = folder / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    folder.chmod(0o755)
    monkeypatch.setattr("tempfile.tempdir", str(shared))
    return shared


def test_a_socket_folder_is_private_short_and_kept(long_data: Path, shared_tmp: Path) -> None:
    made = socket_folder_for(long_data, _owner())
    assert made.parent == shared_tmp
    assert len(os.fsencode(made)) <= SOCKET_FOLDER_BYTES_MAX
    found = made.lstat()
    assert stat.S_IMODE(found.st_mode) == 0o700
    assert found.st_uid == (65534 if is_root() else os.geteuid())
    assert socket_folder_for(long_data, _owner()) == made


def test_a_socket_folder_that_became_a_link_is_left_alone_and_another_is_made(
    long_data: Path, shared_tmp: Path, folder: Path
) -> None:
    made = socket_folder_for(long_data, _owner())
    theirs = folder / "theirs"
    theirs.mkdir(mode=0o700)
    made.rmdir()
    made.symlink_to(theirs)
    another = socket_folder_for(long_data, _owner())
    assert another != made
    assert made.is_symlink()
    assert theirs.stat().st_uid == os.geteuid()


def test_a_socket_folder_that_others_can_enter_is_not_used(long_data: Path, shared_tmp: Path) -> None:
    made = socket_folder_for(long_data, _owner())
    made.chmod(0o777)
    assert socket_folder_for(long_data, _owner()) != made


def test_the_name_of_a_socket_folder_can_not_be_foreseen(long_data: Path, shared_tmp: Path) -> None:
    made = socket_folder_for(long_data, _owner())
    (long_data.parent / "socket-folder").unlink()
    assert socket_folder_for(long_data, _owner()).name != made.name
