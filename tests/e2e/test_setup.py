"""`make setup` in places and environments as people have them: it works, or mends itself, or says why in one line."""

import json
import os
import runpy
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.small_checkout import AWKWARD, COMMAND_SECONDS_MAX, SmallCheckout, end_group

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2 * COMMAND_SECONDS_MAX)]

POLL_SECONDS = 0.01


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the locked package; pip takes no path with a space from its environment."""
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> SmallCheckout:
    """A checkout that many tests harm and mend, because to make an environment takes seconds."""
    return SmallCheckout.make(tmp_path_factory.mktemp("checkouts") / AWKWARD, wheels)


@pytest.fixture
def checkout(shared: SmallCheckout) -> SmallCheckout:
    """A checkout that is set up."""
    shared.lock("1")
    set_up(shared)
    return shared


def set_up(checkout: SmallCheckout, version: str = "1", settings: Mapping[str, str] | None = None) -> str:
    """Run `make setup`, after which the environment must be whole; what it said."""
    ran = checkout.make_target("setup", settings=settings)
    assert ran.status == 0, ran.said
    assert checkout.is_whole(version)
    return ran.said


def wait_installing(begun: "subprocess.Popen[str]") -> None:
    """Return when a set-up has begun to install."""
    assert begun.stdout is not None
    while "requirements/dev.txt" not in (line := begun.stdout.readline()):
        assert line, "it ended"


def test_an_environment_that_is_current_is_left_alone_in_silence(checkout: SmallCheckout) -> None:
    made = checkout.python.lstat().st_ctime_ns
    assert set_up(checkout) == ""
    assert checkout.python.lstat().st_ctime_ns == made


def test_a_set_up_that_was_killed_while_it_made_the_environment_is_done_again(checkout: SmallCheckout) -> None:
    shutil.rmtree(checkout.folder / ".venv")
    begun = checkout.start("setup")
    try:
        deadline = time.monotonic() + COMMAND_SECONDS_MAX
        while not checkout.python.exists():
            assert begun.poll() is None
            assert time.monotonic() < deadline
            time.sleep(POLL_SECONDS)
    finally:
        end_group(begun)
    set_up(checkout)


def test_a_set_up_that_was_killed_while_it_installed_is_done_again(checkout: SmallCheckout) -> None:
    checkout.lock("2")
    begun = checkout.start("setup")
    try:
        wait_installing(begun)
    finally:
        end_group(begun)
    set_up(checkout, "2")


def reason_to_make_anew(checkout: SmallCheckout) -> str:
    """Why the environment would be made anew; that it then is, other tests show."""
    script = runpy.run_path(str(checkout.folder / "scripts" / "environment.py"))
    return script["Environment"](checkout.folder / ".venv").made()[1]


def test_a_copy_runs_its_own_code_and_a_moved_one_is_made_anew(checkout: SmallCheckout, tmp_path: Path) -> None:
    before, after = tmp_path / AWKWARD, tmp_path / "moved"
    # As `cp -a` does it.
    shutil.copytree(checkout.folder, before, symlinks=True)
    assert str(checkout.folder) in set_up(SmallCheckout(before, checkout.wheels))
    assert checkout.is_whole()
    moved = SmallCheckout(before.rename(after), checkout.wheels)
    assert reason_to_make_anew(moved) == f"it was made in {before}"


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: SmallCheckout) -> None:
    assert reason_to_make_anew(checkout) == ""
    link = checkout.python
    target = link.readlink()
    try:
        link.unlink()
        link.symlink_to("/nowhere/python3")
        assert reason_to_make_anew(checkout).startswith("its Python is gone")
    finally:
        link.unlink()
        link.symlink_to(target)


def test_an_environment_whose_python_was_upgraded_is_made_anew(checkout: SmallCheckout) -> None:
    [record] = checkout.python.parents[1].glob("*.json")
    noted = record.read_text()
    try:
        record.write_text(json.dumps(json.loads(noted) | {"python": "3.11.0 (/usr)"}))
        assert reason_to_make_anew(checkout) == "its Python was 3.11.0 (/usr)"
    finally:
        record.write_text(noted)


def test_an_editable_install_of_another_checkout_is_noticed(checkout: SmallCheckout, tmp_path: Path) -> None:
    other = SmallCheckout.make(tmp_path / "other", checkout.wheels)
    [link] = checkout.folder.glob(".venv/lib/python*/site-packages/gavel.pth")
    own = link.read_text()
    try:
        link.write_text(str(other.folder / "src"))
        assert not checkout.is_whole()
        assert reason_to_make_anew(checkout) == "its Gavel is not this one"
    finally:
        link.write_text(own)


def test_a_lock_that_has_changed_is_installed_and_the_rest_is_kept(checkout: SmallCheckout) -> None:
    made = checkout.python.lstat().st_ctime_ns
    checkout.lock("2")
    # Times prove nothing: a folder may have been unpacked, or its clock set.
    os.utime(checkout.folder / "requirements" / "dev.txt", (0, 0))
    set_up(checkout, "2")
    assert checkout.python.lstat().st_ctime_ns == made


def test_two_that_set_up_at_one_moment_take_turns(checkout: SmallCheckout) -> None:
    shutil.rmtree(checkout.folder / ".venv")
    both = [checkout.start("setup") for _ in range(2)]
    said = [each.communicate(timeout=COMMAND_SECONDS_MAX)[0] for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert checkout.is_whole()
    assert sum("Making .venv" in each for each in said) == 1


@pytest.mark.parametrize(
    "names", ["PIP_USER", "PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_DRY_RUN PIP_REQUIREMENT PIP_ISOLATED"]
)
def test_pip_settings_that_change_what_goes_where_have_no_effect(
    names: str, checkout: SmallCheckout, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    switches = {"PIP_USER", "PIP_DRY_RUN", "PIP_ISOLATED"}
    settings = {name: "1" if name in switches else str(elsewhere) for name in names.split()}
    checkout.lock("2")
    set_up(checkout, "2", settings | {"PYTHONUSERBASE": str(elsewhere)})
    assert not elsewhere.exists()


def test_a_pip_configuration_says_where_packages_come_from_and_not_where_they_go(
    checkout: SmallCheckout, tmp_path: Path
) -> None:
    elsewhere, configuration, nothing = tmp_path / "elsewhere", tmp_path / "pip.conf", tmp_path / "nothing"
    nothing.mkdir()
    configuration.write_text(
        f"[global]\nno-index = true\ntarget = {elsewhere}\nquiet = 2\n"
        f"[install]\nfind-links =\n    {nothing}\n    {checkout.wheels}\nuser = true\nprefix = {elsewhere}\n"
    )
    checkout.lock("2")
    # Empty, and so not set: where the locked package is, the file says alone.
    set_up(checkout, "2", {"PIP_CONFIG_FILE": str(configuration), "PIP_NO_INDEX": "", "PIP_FIND_LINKS": ""})
    assert not elsewhere.exists()


def test_python_settings_have_no_effect_on_setting_up_nor_on_what_make_runs(
    checkout: SmallCheckout, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    for name in ("typing", "json", "pip", "locked", "sitecustomize"):
        (foreign / f"{name}.py").write_text("raise SystemExit('foreign code ran')\n")
    named = ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONPLATLIBDIR")
    settings = {name: str(foreign) for name in named} | {"PYTHONSTARTUP": str(foreign / "typing.py")}
    shutil.rmtree(checkout.folder / ".venv")
    set_up(checkout, settings=settings)
    ran = checkout.make_target("bench", "BENCH_FLAGS=--quick", settings=settings | _with_programs(tmp_path))
    assert ran.status == 0, ran.said
    told = json.loads(ran.said)
    assert (told["arguments"], told["prefix"]) == (["bench", "--quick"], str(checkout.folder / ".venv"))
    assert [name for name in told["environment"] if name.startswith("PYTHON")] == []


def _with_programs(tmp_path: Path) -> dict[str, str]:
    """A PATH on which the benchmark's servers seem to be."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("wrk", "redis-server", "rabbitmq-server"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_the_python_that_is_asked_for_is_taken_or_refused_in_one_line(checkout: SmallCheckout, tmp_path: Path) -> None:
    made = checkout.python.lstat().st_ctime_ns
    ran = checkout.make_target("setup", f"PYTHON={tmp_path}/none")
    assert ran.status != 0
    assert f"PYTHON is {tmp_path}/none" in ran.said.splitlines()[0]
    ran = checkout.make_target("setup", f"PYTHON={sys.executable}")
    assert (ran.status, checkout.python.lstat().st_ctime_ns) == (0, made), ran.said


def test_a_terminated_set_up_leaves_nothing_running(checkout: SmallCheckout) -> None:
    checkout.lock("2")
    # pip waits for an index that takes connections and answers nothing.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        begun = checkout.start("setup", {"PIP_NO_INDEX": "", "PIP_INDEX_URL": url, "PIP_FIND_LINKS": ""})
        try:
            wait_installing(begun)
            begun.terminate()
            # Each that was started holds the other end of this pipe for as long as it lives.
            begun.communicate(timeout=COMMAND_SECONDS_MAX)
        finally:
            end_group(begun)
    assert begun.returncode != 0
