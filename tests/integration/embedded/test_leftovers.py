"""What a killed server has left: pid files that name others, and processes that are still on their way out."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres import embedded
from gavel.runtime.postgres.embedded import EmbeddedPostgresFailed, PostgresCluster
from gavel.runtime.postgres.postmaster import find_postmaster, pid_file_of, read_pid_file
from tests.integration.embedded.conftest import children_of, is_root, kill_hard, lives, running_innocent

pytestmark = [pytest.mark.integration, pytest.mark.fault]

# Its own limit is a minute.
START_SECONDS_MAX = 40.0


def started(cluster: PostgresCluster) -> None:
    begun = time.monotonic()
    cluster.start()
    assert time.monotonic() - begun < START_SECONDS_MAX


def leave_pid(folder: Path, pid: int) -> None:
    """Leave the files of a killed server, as if its process id were another process's now."""
    for path in (pid_file_of(folder / "postgres"), folder / "postgres" / ".s.PGSQL.5432.lock"):
        old, _, rest = path.read_text().partition("\n")
        assert old.isdigit()
        path.write_text(f"{pid}\n{rest}")


def test_an_innocent_process_with_the_servers_old_id_is_not_signalled_and_the_server_starts(
    cluster: PostgresCluster, folder: Path, innocent: "subprocess.Popen[bytes]"
) -> None:
    cluster.start()
    kill_hard(folder)
    leave_pid(folder, innocent.pid)
    assert find_postmaster(folder / "postgres") is None
    PostgresCluster(folder).stop()
    again = PostgresCluster(folder)
    started(again)
    again.stop()
    assert innocent.poll() is None


def test_an_innocent_process_in_the_data_folder_is_not_taken_for_the_server(
    cluster: PostgresCluster, folder: Path
) -> None:
    with running_innocent(folder / "postgres") as innocent:
        pid_file_of(folder / "postgres").write_text(f"{innocent.pid}\n")
        started(cluster)
        cluster.stop()
        assert innocent.poll() is None


def test_a_program_of_that_name_in_another_folder_is_not_taken_for_the_server(
    cluster: PostgresCluster, folder: Path
) -> None:
    namesake = folder / "namesake" / "bin" / "postgres"
    namesake.parent.mkdir(parents=True)
    shutil.copy(shutil.which("sleep") or "", namesake)
    with running_innocent(namesake.parent, namesake) as innocent:
        pid_file_of(folder / "postgres").write_text(f"{innocent.pid}\n")
        started(cluster)
        cluster.stop()
        assert innocent.poll() is None


def test_the_server_of_another_folder_is_neither_adopted_nor_stopped(
    folder: Path, copy_to: Callable[[Path], PostgresCluster]
) -> None:
    one, two = copy_to(folder / "one"), copy_to(folder / "two")
    one.start()
    shutil.copy(pid_file_of(folder / "one" / "postgres"), pid_file_of(folder / "two" / "postgres"))
    two.stop()
    started(two)
    two.stop()
    assert find_postmaster(folder / "one" / "postgres") is not None
    one.stop()


@pytest.mark.parametrize(
    "left",
    [
        b"",
        b"\n",
        b"12",
        b"99999999999999999999\n",
        b"-1\n",
        b"0\n",
        b"1\n",
        b"not a pid\n",
        b"\xff\xfe\n",
        b"\0" * 4096,
    ],
)
def test_an_empty_cut_off_or_foreign_pid_file_is_left_over(left: bytes, cluster: PostgresCluster, folder: Path) -> None:
    pid_file_of(folder / "postgres").write_bytes(left)
    (folder / "postgres" / ".s.PGSQL.5432.lock").write_bytes(left)
    started(cluster)
    found = read_pid_file(folder / "postgres")
    assert found is not None
    assert found.is_ready
    cluster.stop()


def test_a_running_server_is_adopted_where_it_listens(cluster: PostgresCluster, folder: Path) -> None:
    cluster.start()
    kept = find_postmaster(folder / "postgres")
    adopting = PostgresCluster(folder)
    adopting.start()
    found = find_postmaster(folder / "postgres")
    assert kept is not None
    assert found is not None
    assert found.pid == kept.pid
    assert adopting.server.url("postgres") == cluster.server.url("postgres")
    adopting.stop()
    assert not lives(kept.pid)


def test_a_server_is_known_also_to_a_root_that_may_not_look_at_other_users_processes(
    cluster: PostgresCluster, folder: Path
) -> None:
    cluster.start()
    # As in a container.
    restrained = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"] if is_root() else []
    find = (
        "from pathlib import Path; from gavel.runtime.postgres.postmaster import find_postmaster;"
        f" found = find_postmaster(Path({str(folder / 'postgres')!r})); print(found and found.pid)"
    )
    said = subprocess.run([*restrained, sys.executable, "-c", find], capture_output=True, text=True, check=True).stdout
    found = read_pid_file(folder / "postgres")
    assert found is not None
    assert said == f"{found.pid}\n"
    cluster.stop()


def test_a_server_that_an_older_gavel_left_on_another_port_is_adopted(cluster: PostgresCluster, folder: Path) -> None:
    # An older Gavel let PGPORT of the environment through.
    user = (folder / "postgres").stat() if is_root() else None
    programs = embedded.find_programs()
    process = subprocess.Popen(
        [programs / "postgres", "-D", folder / "postgres", "-c", "listen_addresses=", "-k", folder / "postgres"],
        env=os.environ | {"PGPORT": "6000"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        user=user.st_uid if user else None,
        group=user.st_gid if user else None,
    )
    while (found := read_pid_file(folder / "postgres")) is None or not found.is_ready:
        assert process.poll() is None
        time.sleep(0.01)
    cluster.start()
    asyncio.run(_check_port(cluster.server.url("postgres"), "6000"))
    cluster.stop()
    assert process.wait(START_SECONDS_MAX) == 0


async def _check_port(url: str, port: str) -> None:
    connection = await postgres.connect(url, "tests")
    try:
        assert await connection.fetchval("SHOW port") == port
    finally:
        await connection.close()


def _freeze_a_child(folder: Path) -> int:
    """Keep one process of the server from noticing that the server dies; its id."""
    postmaster = find_postmaster(folder / "postgres")
    assert postmaster is not None
    child = children_of(postmaster.pid)[0]
    os.kill(child, signal.SIGSTOP)
    postmaster.signal(signal.SIGKILL)
    postmaster.wait_gone(START_SECONDS_MAX)
    assert lives(child)
    return child


def test_processes_that_outlive_their_killed_server_are_waited_for(cluster: PostgresCluster, folder: Path) -> None:
    cluster.start()
    orphan = _freeze_a_child(folder)
    again = PostgresCluster(folder)
    starting = threading.Thread(target=started, args=(again,))
    starting.start()
    log = folder / "postgres.log"
    try:
        while "shared memory block" not in log.read_text():
            assert starting.is_alive()
            time.sleep(0.01)
    finally:
        os.kill(orphan, signal.SIGCONT)
    starting.join()
    assert find_postmaster(folder / "postgres") is not None
    again.stop()


def test_processes_that_do_not_end_are_reported_and_not_signalled(
    cluster: PostgresCluster, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "ORPHANS_SECONDS_MAX", 0.5)
    cluster.start()
    orphan = _freeze_a_child(folder)
    try:
        with pytest.raises(EmbeddedPostgresFailed, match=r"shared memory block .* is still in use"):
            PostgresCluster(folder).start()
        assert lives(orphan)
    finally:
        os.kill(orphan, signal.SIGCONT)


def test_a_server_that_dies_at_its_start_is_reported_at_once_with_its_last_output(
    cluster: PostgresCluster, folder: Path
) -> None:
    with (folder / "postgres" / "postgresql.conf").open("a") as configuration:
        configuration.write("\nno_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresFailed) as failed:
        started(cluster)
    said = str(failed.value)
    assert "configuration file" in said
    assert said.isprintable()
    assert str(folder) in said
    assert "GAVEL_DATA_DIR" in said


async def test_nothing_of_the_environment_that_is_postgres_own_has_an_effect(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = {
        "PGPORT": "6000", "PGHOST": "/nowhere", "PGUSER": "nobody", "PGPASSWORD": "x", "PGDATABASE": "none",
        "PGPASSFILE": str(folder), "PGSSLMODE": "verify-full", "PGSSLNEGOTIATION": "direct", "PGSERVICE": "none",
        "PGTARGETSESSIONATTRS": "standby", "PGGSSLIB": "none", "PGDATA": "/nowhere", "PGOPTIONS": "-c none=1",
        "PGCLIENTENCODING": "none", "PGTZ": "none", "PGDATESTYLE": "none",
    }  # fmt: skip
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    async with embedded.embedded_postgres(folder) as server:
        await server.create_database("a_database")
        await _check_port(server.url("a_database"), "5432")
