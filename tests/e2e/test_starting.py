"""Where Gavel is started: in folders of every kind, after a crash, in strange environments; and what ends it."""

import asyncio
import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from gavel_tools.local_servers.ports import free_port
from tests.e2e.gavel_process import (
    HOSTILE,
    START_SECONDS_MAX,
    STOP_SECONDS_MAX,
    Standalone,
    environment,
    run,
    running_standalone,
)

pytestmark = pytest.mark.e2e

# Well below the minute for which an earlier Gavel waited for a server that could not start.
REFUSED_SECONDS_MAX = 40


def server_pid(gavel: Standalone) -> int:
    return int((gavel.folder / "postgres" / "postmaster.pid").read_text().split()[0])


def lives(pid: int) -> bool:
    asked = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip()[:1] not in ("", "Z")


async def gone(pid: int) -> None:
    """Wait until a process has ended."""
    async with asyncio.timeout(STOP_SECONDS_MAX):
        while lives(pid):  # noqa: ASYNC110 - what it waits for happens in another process
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("/proc/gavel", "No such file or directory"),
        ("{folder}/file/below", "Not a directory"),
        ("{folder}/file", "File exists"),
        ("~no-such-user/x", "there is no user no-such-user"),
        ('"{folder}"', "it must be an absolute path, without quotes around it"),
        ("{folder}/two\nlines", r"its path has the character '\\n'"),
    ],
)
async def test_a_folder_that_can_not_be_used_is_reported_in_one_line_with_the_reason_and_the_setting(
    named: str, reason: str, data_folder: Path
) -> None:
    (data_folder / "file").touch()
    env = environment(AUTH_MODE="trusted", HTTP_PORT="0", GAVEL_DATA_DIR=named.format(folder=data_folder))
    async with asyncio.timeout(REFUSED_SECONDS_MAX):
        status, said = await run("standalone", env=env)
    assert status == 2
    assert re.fullmatch(rf"gavel: can't use the data folder .+: {reason}; GAVEL_DATA_DIR names another\n", said), said


async def test_a_token_without_a_data_folder_is_reported_in_the_same_way() -> None:
    status, said = await run("token", env=environment(GAVEL_DATA_DIR="~no-such-user/x"))
    assert status == 2
    assert said == (
        "gavel: can't use the data folder ~no-such-user/x: there is no user no-such-user;"
        " GAVEL_DATA_DIR names another\n"
    )


@pytest.mark.fault
async def test_a_process_that_has_the_id_of_a_killed_server_now_is_left_alone(data_folder: Path) -> None:
    gavel = Standalone(data_folder)
    await gavel.start()
    owner = (data_folder / "postgres").stat()
    innocent = await asyncio.create_subprocess_exec(
        "sleep", "1000", user=owner.st_uid if os.geteuid() == 0 else None, start_new_session=True
    )
    try:
        postmaster = server_pid(gavel)
        await gavel.kill()
        os.kill(postmaster, signal.SIGKILL)
        await gone(postmaster)
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            left = data_folder / "postgres" / name
            left.write_text(left.read_text().replace(str(postmaster), str(innocent.pid), 1))
        await gavel.start()
        assert await gavel.stop() == 0
        assert innocent.returncode is None
    finally:
        innocent.kill()
        await innocent.wait()


@pytest.mark.fault
async def test_a_server_of_a_killed_gavel_is_adopted_and_stopped_with_the_next(data_folder: Path) -> None:
    gavel = Standalone(data_folder)
    await gavel.start()
    postmaster = server_pid(gavel)
    await gavel.kill()
    await gavel.start()
    assert server_pid(gavel) == postmaster
    assert await gavel.stop() == 0
    assert "embedded_postgres_adopted" in await gavel.logs()
    assert not lives(postmaster)


@pytest.mark.fault
async def test_postgres_own_variables_in_the_environment_have_no_effect_then_or_later(data_folder: Path) -> None:
    gavel = Standalone(data_folder)
    plain = gavel.env
    gavel.env = plain | HOSTILE
    await gavel.start()
    await gavel.kill()
    gavel.env = plain
    await gavel.start()
    assert await gavel.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT])
async def test_hung_up_or_quit_it_stops_with_its_server(number: signal.Signals, data_folder: Path) -> None:
    async with running_standalone(data_folder) as gavel:
        postmaster = server_pid(gavel)
        assert await gavel.signalled(number) == 0
        assert not lives(postmaster)


async def test_a_terminal_that_is_closed_stops_it_with_its_server(data_folder: Path) -> None:
    gavel = Standalone(data_folder)
    terminal, its_end = pty.openpty()
    os.set_blocking(terminal, False)
    # The first of a session that opens a terminal gets it as its own.
    command = [
        "sh",
        "-c",
        'exec "$@" <"$TERMINAL" >"$TERMINAL" 2>&1',
        "sh",
        sys.executable,
        "-m",
        "gavel",
        "standalone",
    ]
    env = gavel.env | {"TERMINAL": os.ttyname(its_end)}
    process = await asyncio.create_subprocess_exec(*command, env=env, start_new_session=True)
    try:
        async with httpx.AsyncClient() as client, asyncio.timeout(START_SECONDS_MAX):
            while not await _is_ready(client, gavel.url):
                assert process.returncode is None
                _read_what_is_there(terminal)
        postmaster = server_pid(gavel)
    finally:
        os.close(its_end)
        os.close(terminal)
    async with asyncio.timeout(STOP_SECONDS_MAX):
        assert await process.wait() == 0
    assert not lives(postmaster)


async def test_without_standard_streams_it_runs_and_stops_with_its_server(data_folder: Path) -> None:
    for closed in (">&-", "<&- >&- 2>&-"):
        gavel = Standalone(data_folder)
        command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "gavel", "standalone"]
        process = await asyncio.create_subprocess_exec(*command, env=gavel.env)
        try:
            async with httpx.AsyncClient() as client, asyncio.timeout(START_SECONDS_MAX):
                while not await _is_ready(client, gavel.url):
                    assert process.returncode is None, closed
            postmaster = server_pid(gavel)
        finally:
            if process.returncode is None:
                process.terminate()
        async with asyncio.timeout(STOP_SECONDS_MAX):
            assert await process.wait() == 0, closed
        assert not lives(postmaster)


@pytest.mark.parametrize("command", ["bid-api", "stats-api"])
async def test_so_does_a_process_of_a_service(command: str, bid_db_url: str, stats_db_url: str) -> None:
    port, admin_port = free_port(), free_port()
    env = environment(
        BID_DB_URL=bid_db_url,
        STATS_DB_URL=stats_db_url,
        AUTH_MODE="trusted",
        HTTP_PORT=str(port),
        ADMIN_PORT=str(admin_port),
    )
    shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-m", "gavel", command]
    process = await asyncio.create_subprocess_exec(*shell, env=env)
    try:
        async with httpx.AsyncClient() as client, asyncio.timeout(START_SECONDS_MAX):
            while not await _is_ready(client, f"http://127.0.0.1:{admin_port}"):
                assert process.returncode is None
    finally:
        if process.returncode is None:
            process.terminate()
    async with asyncio.timeout(STOP_SECONDS_MAX):
        assert await process.wait() == 0


def _read_what_is_there(terminal: int) -> None:
    # A terminal that nobody reads would stop whoever writes to it.
    with suppress(BlockingIOError):
        os.read(terminal, 65_536)


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def test_under_nohup_it_outlives_a_hang_up(data_folder: Path) -> None:
    gavel = Standalone(data_folder)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        await gavel.start()
    finally:
        signal.signal(signal.SIGHUP, before)
    os.kill(gavel.pid, signal.SIGHUP)
    async with httpx.AsyncClient() as client:
        for _ in range(20):
            assert await _is_ready(client, gavel.url)
    assert await gavel.stop() == 0


async def test_it_listens_on_both_families_of_addresses_where_it_is_to_listen_on_all(data_folder: Path) -> None:
    gavel = Standalone(data_folder)
    gavel.env |= {"HTTP_HOST": "::", "AUTH_TRUSTED_ANYWHERE": "true"}
    gavel.url = f"http://[::]:{gavel.port}"
    await gavel.start()
    async with httpx.AsyncClient() as client:
        for host in ("127.0.0.1", "[::1]"):
            assert (await client.get(f"http://{host}:{gavel.port}/readyz")).status_code == 200
    assert await gavel.stop() == 0


async def test_it_listens_on_an_ipv6_loopback_and_prints_its_address(data_folder: Path) -> None:
    gavel = Standalone(data_folder)
    gavel.url = f"http://[::1]:{gavel.port}"
    gavel.env |= {"HTTP_HOST": "::1"}
    await gavel.start()
    assert await gavel.stop() == 0
