"""`make demo`: Gavel starts at once, the page is built beside it, and whatever ends the one ends the other."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.e2e.small_checkout import AWKWARD, COMMAND_SECONDS_MAX, SmallCheckout, end_group
from tests.house.tree import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2 * COMMAND_SECONDS_MAX)]

POLL_SECONDS = 0.02
# Stand-ins for Node and npm. `npm` notes what it is asked for; while the file `hang` is there it does nothing more, and
# neither does what it has started.
NPM = """\
#!/bin/sh
echo "$@" >>npm.calls
while [ -e hang ]; do sleep 600 & echo $$ $! >npm.pids; wait; done
case "$*" in
    ci*) mkdir -p node_modules && touch node_modules/.package-lock.json ;;
    "run build") mkdir -p dist && echo built >dist/index.html ;;
esac
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> SmallCheckout:
    """A checkout that is set up, with the sources of a page."""
    checkout = SmallCheckout.make(tmp_path_factory.mktemp("checkouts") / AWKWARD, tmp_path_factory.mktemp("wheels"))
    web = checkout.folder / "web"
    for folder in ("public", "src", "packages/client/src"):
        (web / folder).mkdir(parents=True)
    for name in ("index.html", "package-lock.json", "vite.config.ts"):
        (web / name).write_text("")
    ran = checkout.make_target("setup-demo")
    assert ran.status == 0, ran.said
    return checkout


@pytest.fixture
def checkout(shared: SmallCheckout) -> Generator[SmallCheckout]:
    """The same without a page, and with nothing left of what a test before has begun."""
    web = shared.folder / "web"
    for name in ("hang", "npm.calls", "npm.pids", "dist/index.html", "node_modules/.package-lock.json", "../gavel.pid"):
        (web / name).unlink(missing_ok=True)
    yield shared
    if (web / "npm.pids").exists():
        for process_id in (web / "npm.pids").read_text().split():
            if is_alive(int(process_id)):
                os.kill(int(process_id), signal.SIGKILL)


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """A PATH with the stand-ins first."""
    for name, text in (("node", "#!/bin/sh\n"), ("npm", NPM)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}


def is_alive(process_id: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent to notice does not."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(process_id)], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip()) and not listed.stdout.startswith("Z")


def wait_until(is_so: Callable[[], bool]) -> None:
    """Poll for something without a signal."""
    deadline = time.monotonic() + COMMAND_SECONDS_MAX
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(POLL_SECONDS)


def read_until(begun: "subprocess.Popen[str]", words: str) -> str:
    """What was said up to the line with these words."""
    assert begun.stdout is not None
    said = ""
    while words not in said:
        line = begun.stdout.readline()
        assert line, said
        said += line
    return said


def test_gavel_runs_while_npm_waits_and_the_page_comes_later(checkout: SmallCheckout, settings: dict[str, str]) -> None:
    web = checkout.folder / "web"
    (web / "hang").touch()
    begun = checkout.start("demo", settings)
    try:
        wait_until((checkout.folder / "gavel.pid").exists)
        wait_until((web / "npm.pids").exists)
        assert (web / "npm.calls").read_text() == "ci --include=dev\n"
        (web / "hang").unlink()
        os.kill(int((web / "npm.pids").read_text().split()[1]), signal.SIGTERM)
        said = read_until(begun, "The page is built")
        assert "npm fetches its packages" in said
        assert ".cache/page.log" in said
        assert (web / "npm.calls").read_text() == "ci --include=dev\nrun build\n"
        begun.terminate()
        begun.communicate(timeout=COMMAND_SECONDS_MAX)
    finally:
        end_group(begun)


@pytest.mark.parametrize(("crowd", "option"), [("", "--crowd"), ("CROWD=no", "--no-crowd")])
def test_a_crowd_bids_unless_silence_is_asked_for(
    crowd: str, option: str, checkout: SmallCheckout, settings: dict[str, str]
) -> None:
    begun = checkout.start("demo", settings, *crowd.split())
    try:
        said = read_until(begun, '"arguments"')
        begun.terminate()
        begun.communicate(timeout=COMMAND_SECONDS_MAX)
    finally:
        end_group(begun)
    assert json.loads(said.splitlines()[-1])["arguments"] == ["standalone", "--sample-auctions", option]


def _terminate(begun: "subprocess.Popen[str]", _gavel: int) -> None:
    begun.terminate()


def _interrupt(begun: "subprocess.Popen[str]", _gavel: int) -> None:
    """As Ctrl-C in a terminal does: the whole group."""
    os.killpg(begun.pid, signal.SIGINT)


def _kill_gavel(_begun: "subprocess.Popen[str]", gavel: int) -> None:
    os.kill(gavel, signal.SIGKILL)


@pytest.mark.parametrize("end", [_terminate, _interrupt, _kill_gavel])
def test_whatever_ends_gavel_ends_the_build_with_all_that_it_started(
    end: Callable[["subprocess.Popen[str]", int], None], checkout: SmallCheckout, settings: dict[str, str]
) -> None:
    web = checkout.folder / "web"
    (web / "hang").touch()
    begun = checkout.start("demo", settings)
    try:
        wait_until((checkout.folder / "gavel.pid").exists)
        wait_until((web / "npm.pids").exists)
        gavel = int((checkout.folder / "gavel.pid").read_text())
        npm = [int(process_id) for process_id in (web / "npm.pids").read_text().split()]
        assert all(map(is_alive, [gavel, *npm]))
        end(begun, gavel)
        # The pipe ends with the last process that holds it.
        said, _ = begun.communicate(timeout=COMMAND_SECONDS_MAX)
        wait_until(lambda: not any(map(is_alive, [gavel, *npm])))
    finally:
        end_group(begun)
    if end is not _kill_gavel:
        assert f"stopped by SIG{'INT' if end is _interrupt else 'TERM'}" in said
    assert "No new page" not in said


def test_a_page_that_is_current_costs_nothing_and_is_not_spoken_of(
    checkout: SmallCheckout, settings: dict[str, str]
) -> None:
    first = checkout.make_target("page", settings=settings)
    assert first.status == 0, first.said
    (checkout.folder / "web" / "npm.calls").unlink()
    again = checkout.make_target("page", settings=settings)
    assert (again.status, again.said) == (0, "")
    assert not (checkout.folder / "web" / "npm.calls").exists()


def test_a_source_that_has_changed_builds_the_page_again_without_fetching(
    checkout: SmallCheckout, settings: dict[str, str]
) -> None:
    web = checkout.folder / "web"
    assert checkout.make_target("page", settings=settings).status == 0
    (web / "npm.calls").unlink()
    os.utime(web / "dist" / "index.html", (0, 0))
    assert checkout.make_target("page", settings=settings).status == 0
    assert (web / "npm.calls").read_text() == "run build\n"


def test_a_build_that_takes_too_long_is_ended_and_reports_what_it_waited_for(
    checkout: SmallCheckout, settings: dict[str, str]
) -> None:
    (checkout.folder / "web" / "hang").touch()
    done = subprocess.run(
        [str(checkout.python), "-I", "scripts/build_page.py", "--seconds-max", "1"],
        cwd=checkout.folder,
        env=checkout.environment(settings),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 1
    assert "`npm ci --include=dev` was not done after 1 s" in done.stderr
    npm = (checkout.folder / "web" / "npm.pids").read_text().split()
    assert not any(is_alive(int(process_id)) for process_id in npm)


def test_without_node_gavel_runs_and_one_line_says_what_the_page_takes(
    checkout: SmallCheckout, settings: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "node").write_text("#!/bin/sh\nexit 1\n")
    begun = checkout.start("demo", settings)
    try:
        wait_until((checkout.folder / "gavel.pid").exists)
        assert "Node 20.19, 22.12 or newer" in read_until(begun, "No new page")
        begun.terminate()
        begun.communicate(timeout=COMMAND_SECONDS_MAX)
    finally:
        end_group(begun)


def test_the_pages_own_build_puts_its_folder_in_place_whole() -> None:
    """Replaced at once, so that a server never finds half of it."""
    package = json.loads((ROOT / "web" / "package.json").read_text(encoding="utf-8"))
    steps = package["scripts"]["build"].split(" && ")
    assert steps[0] == "vite build --outDir dist.new"
    assert steps[-2:] == ["rm -rf dist", "mv dist.new dist"]
