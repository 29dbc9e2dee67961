"""Build the page into web/dist, unless it is current already: then nothing is said.

    python3 -I scripts/build_page.py [--beside PROCESS] [--seconds-max SECONDS]

With --beside it ends when that process, its parent, has ended, and a page that can't be built is reported and no
failure: Gavel runs without one. What npm says goes to a file. Standard library only, and Python 3.9 is enough.
"""

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Optional

WEB = Path(__file__).resolve().parents[1] / "web"
CACHE = WEB.parent / ".cache"
LOG = CACHE / "page.log"
# What the page is made of; dist/index.html is older than a source that has changed since.
SOURCES = ["index.html", "package-lock.json", "vite.config.ts", "public", "src", "packages/client/src"]
# On a slow line it takes minutes to fetch the packages.
BUILD_SECONDS_MAX = 600.0
STOP_SECONDS_MAX = 2.0
POLL_SECONDS = 0.1
LOG_LINES_SHOWN = 20
NODE_SECONDS_MAX = 30.0
NODE_IS_FIT = """
const [major, minor] = process.versions.node.split(".").map(Number);
process.exit(major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1);
"""


class NotBuilt(Exception):
    """There is no new page; the text says why."""


class Build:
    """The commands of one build, within one time limit."""

    def __init__(self, seconds_max: float, beside: Optional[int]) -> None:  # noqa: UP045 - also for Python 3.9
        self._seconds_max = seconds_max
        self._ends_at = time.monotonic() + seconds_max
        self._beside = beside

    def run(self, *command: str) -> None:
        """Run a command in web/. Raises NotBuilt where it fails or is late, SystemExit where Gavel is gone."""
        name = " ".join(command)
        with LOG.open("ab") as log:
            # A session of its own, so that all that npm starts can be ended with it.
            process = subprocess.Popen(
                command, cwd=WEB, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            while (status := process.poll()) is None:
                self.pause(f"`{name}` was not done")
        finally:
            _end(process)
        if status:
            raise NotBuilt(f"`{name}` failed. {LOG} ends with:\n{_end_of_log()}\n")

    def wait_for(self, lock: IO[str]) -> None:
        """Return when no other build runs. Raises as `run` does."""
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.pause("another build was not done")
            else:
                return

    def pause(self, late: str) -> None:
        """Wait a moment. Raises NotBuilt with `late` at the time limit, SystemExit where Gavel is gone."""
        if self._beside is not None and os.getppid() != self._beside:
            sys.exit()
        if time.monotonic() > self._ends_at:
            raise NotBuilt(f"{late} after {self._seconds_max:.0f} s ({LOG} has what npm said).")
        time.sleep(POLL_SECONDS)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a command with all that it has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        # No permission: macOS says so of a group in which all have ended.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS_MAX)


def _end_of_log() -> str:
    return "\n".join(LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES_SHOWN:])


def is_current() -> bool:
    """Whether the page is there, and newer than its sources."""
    built = WEB / "dist" / "index.html"
    return built.exists() and all(
        path.lstat().st_mtime <= built.stat().st_mtime
        for source in SOURCES
        for path in [WEB / source, *(WEB / source).rglob("*")]
    )


def has_packages() -> bool:
    """Whether the locked packages are installed."""
    lock, installed = WEB / "package-lock.json", WEB / "node_modules" / ".package-lock.json"
    return installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime


def is_node_fit() -> bool:
    """Whether Node and npm are here, in a version that builds the page."""
    try:
        for command in (["node", "--eval", NODE_IS_FIT], ["npm", "--version"]):
            subprocess.run(command, capture_output=True, timeout=NODE_SECONDS_MAX, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def build_page(build: Build) -> None:
    """Build the page. Raises NotBuilt, or SystemExit where Gavel is gone."""
    if not is_node_fit():
        raise NotBuilt("it takes Node 20.19, 22.12 or newer and npm to build it, and they are not here.")
    LOG.write_bytes(b"")
    if has_packages():
        print("Building the page", flush=True)
    else:
        print(f"Building the page: npm fetches its packages first, once, for a minute or so ({LOG})", flush=True)
        # Also where the user's settings leave out what is only needed to build.
        build.run("npm", "ci", "--include=dev")
    build.run("npm", "run", "build")


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description="Build the page into web/dist, unless it is current.")
    parser.add_argument("--beside", type=int, metavar="PROCESS", help="end when this process, the parent, has ended")
    parser.add_argument("--seconds-max", type=float, default=BUILD_SECONDS_MAX, help="give up after so long")
    asked = parser.parse_args()
    # An exception, so that what was started is ended first.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    CACHE.mkdir(exist_ok=True)
    build = Build(asked.seconds_max, asked.beside)
    try:
        with (CACHE / "page.lock").open("a") as lock:
            build.wait_for(lock)
            if is_current():
                return 0
            build_page(build)
    except NotBuilt as error:
        print(f"No new page: {error} Gavel runs without it; `make page` builds it later.", file=sys.stderr)
        return 1 if asked.beside is None else 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    print("The page is built" + ("." if asked.beside is None else ": load Gavel's address in a browser."), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
