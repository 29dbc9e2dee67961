"""Folders that can't be used, and what root does to its own: each is told in one line."""

import os
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gavel.runtime.postgres.data_folder import DataFolderUnusable, FolderInUse, data_folder, held_data_folder
from gavel.runtime.postgres.embedded import EmbeddedPostgresFailed, PostgresCluster
from gavel.runtime.postgres.server_user import ServerUser, ServerUserUnusable, find_server_user, open_programs, open_way
from tests.integration.embedded.conftest import is_root

pytestmark = pytest.mark.integration

NOBODY = ServerUser("nobody", 65534, 65534)


@contextmanager
def ordinary_user() -> Generator[None]:
    """Do without root's rights inside the context."""
    if is_root():
        os.seteuid(NOBODY.uid)
    try:
        yield
    finally:
        os.seteuid(os.getuid())


def refusal_of(folder: Path | str) -> str:
    """What is said of a folder that can't be held: in one line, with the folder and the setting."""
    with pytest.raises(DataFolderUnusable) as refused, held_data_folder(Path(folder)):
        pass
    said = str(refused.value)
    assert said.isprintable()
    assert str(folder) in said
    assert "GAVEL_DATA_DIR" in said
    return said


def test_a_folder_that_can_not_be_made_is_refused_with_the_reason(folder: Path) -> None:
    assert "No such file or directory" in refusal_of("/proc/gavel")
    (folder / "file").touch()
    assert "Not a directory" in refusal_of(folder / "file" / "below")
    assert "File exists" in refusal_of(folder / "file")
    (folder / "nowhere").symlink_to(folder / "circle")
    (folder / "circle").symlink_to(folder / "nowhere")
    assert "loop" in refusal_of(folder / "circle")


def test_a_folder_that_this_user_can_not_write_to_is_refused_with_the_reason(folder: Path) -> None:
    folder.chmod(0o755)
    closed, theirs = folder / "closed", folder / "theirs"
    closed.mkdir(mode=0o555)
    with held_data_folder(theirs):
        pass
    (theirs / "gavel.lock").chmod(0o400)
    with ordinary_user():
        assert "Permission denied" in refusal_of(closed)
        assert "Permission denied" in refusal_of(closed / "below")
        assert "Permission denied" in refusal_of(theirs)


def test_a_lock_that_is_a_link_to_somewhere_else_is_not_followed(folder: Path) -> None:
    (folder / "precious").write_text("kept")
    (folder / "gavel.lock").symlink_to(folder / "precious")
    assert "symbolic links" in refusal_of(folder)
    assert (folder / "precious").read_text() == "kept"


def test_a_folder_is_held_once(folder: Path) -> None:
    with (
        held_data_folder(folder),
        pytest.raises(FolderInUse, match=rf"is in use by another Gavel \(process {os.getpid()}\)$"),
        held_data_folder(folder),
    ):
        pass


@pytest.mark.parametrize("home", [None, ""])
def test_a_user_that_does_not_exist_and_one_without_a_home_are_reported(
    home: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAVEL_DATA_DIR", "~no-such-user/x")
    with pytest.raises(DataFolderUnusable, match=r"~no-such-user/x: there is no user no-such-user; GAVEL_DATA_DIR"):
        data_folder()
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", _no_such_user)
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    # An empty setting is none.
    monkeypatch.setenv("GAVEL_DATA_DIR", "")
    with pytest.raises(DataFolderUnusable, match="HOME is not set, and this user has no home folder; GAVEL_DATA_DIR"):
        data_folder()
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert data_folder() == Path("/somewhere/gavel")


@pytest.mark.parametrize("named", ['"/x"', "'/x'", "x", "./x", "../x", " /x", "$HOME/x", '"~/x"', "file:///x"])
def test_a_folder_whose_place_depends_on_the_working_folder_is_refused(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAVEL_DATA_DIR", named)
    with pytest.raises(DataFolderUnusable) as refused:
        data_folder()
    assert str(refused.value) == (
        f"can't use the data folder {Path(named)}: it must be an absolute path, without quotes around it;"
        " GAVEL_DATA_DIR names another"
    )


@pytest.mark.parametrize("home", ["home", ".", " "])
def test_so_is_the_default_of_a_user_whose_home_is_none(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    for name in ("GAVEL_DATA_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", home)
    with pytest.raises(DataFolderUnusable, match="it must be an absolute path"):
        data_folder()


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_blank_setting_is_none(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    monkeypatch.setenv("GAVEL_DATA_DIR", blank)
    assert data_folder() == Path("/somewhere/gavel")


@pytest.mark.parametrize("relative", ["somewhere", "./x", " ", '"/somewhere"', "~/x"])
def test_a_relative_xdg_data_home_is_ignored(relative: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The XDG Base Directory Specification: "All paths set in these environment variables must be absolute."
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    monkeypatch.delenv("GAVEL_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", "/users/anna")
    monkeypatch.setenv("XDG_DATA_HOME", relative)
    assert data_folder() == Path("/users/anna/.local/share/gavel")


def _no_such_user(uid: int) -> None:
    raise KeyError(uid)


def test_a_full_disk_is_reported_with_the_folder(folder: Path) -> None:
    # A limit on this process's files does to initdb what a full disk does.
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(DataFolderUnusable) as refused:
            PostgresCluster(folder).start()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    said = str(refused.value)
    assert f"can't use the data folder {folder}: initdb: " in said
    assert said.isprintable()
    assert not list(folder.glob("postgres*"))


def test_a_server_of_another_user_is_reported_by_name(folder: Path, copy_to: Callable[[Path], PostgresCluster]) -> None:
    cluster = copy_to(folder)
    if is_root():
        os.chown(folder / "postgres", 0, 0)
        expected = "its Postgres belongs to the user root, and would run as pgserver now"
    else:
        # An ordinary user can give nothing away; what others own lies elsewhere.
        (folder / "postgres").rename(folder / "own")
        (folder / "postgres").symlink_to("/")
        expected = "its Postgres belongs to the user root, and would run as "
    with pytest.raises(DataFolderUnusable, match=expected):
        cluster.start()


@pytest.mark.parametrize("useradd", [None, "#!/bin/sh\necho useradd: the list is locked >&2; exit 10\n"])
def test_without_a_user_for_the_server_the_error_names_what_root_can_do(
    useradd: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if useradd is not None:
        (folder / "useradd").write_text(useradd)
        (folder / "useradd").chmod(0o755)
    monkeypatch.setattr("gavel.runtime.postgres.server_user.SERVER_USER", "gavel-no-such-user")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(ServerUserUnusable) as refused:
        find_server_user()
    assert ("the list is locked" if useradd else "No such file") in str(refused.value)
    assert "GAVEL_DATA_DIR" in str(refused.value)
    with pytest.raises(EmbeddedPostgresFailed) as failed:
        PostgresCluster(folder).start()
    assert str(folder) in str(failed.value)


def test_a_folder_of_roots_is_opened_to_the_server_with_a_log_line_and_anothers_is_left_closed(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    folder.chmod(0o755)
    with capture_logs() as logs:
        if is_root():
            open_way(closed / "data", NOBODY)
            assert stat.S_IMODE(closed.stat().st_mode) == 0o701
            opened = [(each["folder"], each["mode"], each["log_level"]) for each in logs]
            assert opened == [(str(closed), "0701", "warning")]
            os.chown(closed, 4242, 4242)
            closed.chmod(0o700)
        with pytest.raises(ServerUserUnusable, match=r"closed is closed to the system user nobody.*GAVEL_DATA_DIR"):
            open_way(closed / "data", NOBODY)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_programs_installed_under_a_closed_umask_are_opened_with_a_log_line(folder: Path) -> None:
    program, library = folder / "bin" / "postgres", folder / "lib.so"
    program.parent.mkdir(mode=0o700)
    program.touch(mode=0o700)
    library.touch(mode=0o600)
    with capture_logs() as logs:
        open_programs([folder])
        open_programs([folder])
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (program.parent, program, library)]
    assert modes == [0o755, 0o755, 0o644]
    assert [each["event"] for each in logs] == ["programs_opened"]
