"""The virtual environment of a checkout: made where there is none, mended where it is not this checkout's any more.

    python3 -I scripts/environment.py FOLDER LOCK

Installs what LOCK names into FOLDER, then Gavel in place. A record in FOLDER says for which checkout, Python and locks
it was made. It is written last and removed first, so that an environment without one is incomplete. Whatever is
incomplete, was moved or copied, or has lost its Python is made anew; where all is current, nothing is said.
Standard library only.
"""

import ast
import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
RECORD = "gavel-environment.json"
# Gavel, and the development tools that add commands to it.
IN_PLACE = (".", "./src/gavel_tools")
# One at a time: another would clear the folder under the first.
LOCK_FILE = CHECKOUT / ".cache" / "setup.lock"
# Run by the Python of an environment: which one it is, and whose Gavel it imports.
DESCRIBE = """
import importlib.util, json, sys
gavel = importlib.util.find_spec("gavel")
version = ".".join(map(str, sys.version_info[:3]))
print(json.dumps({"python": f"{version} ({sys.base_prefix})", "gavel": gavel and gavel.origin}))
"""
# The settings of pip that say where packages come from. Others have no effect: some make it install elsewhere.
SOURCE_SETTINGS = {
    "cache-dir", "cert", "client-cert", "default-timeout", "extra-index-url", "find-links", "index-url",
    "keyring-provider", "no-cache-dir", "no-index", "proxy", "resume-retries", "retries", "timeout", "trusted-host",
    "use-feature",
}  # fmt: skip


class SetupFailed(Exception):
    """The environment can't be made; the text says why."""


class Environment:
    """A folder with a Python and packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._record = folder / RECORD
        self._python = str(folder / "bin" / "python")

    def install(self, lock: Path, kept_open: int) -> None:
        """Have what the lock names, and Gavel in place. Raises SetupFailed."""
        made, reason = self.made()
        if made is None:
            self._make(reason, kept_open)
            made = {"checkout": str(CHECKOUT), "python": self._describe()["python"], "locks": {}}
        name, digest = (
            str(lock.relative_to(CHECKOUT)),
            _digest(lock, *(CHECKOUT / folder / "pyproject.toml" for folder in IN_PLACE)),
        )
        if made["locks"].get(name) == digest:
            return
        self._record.unlink(missing_ok=True)
        print(f"Installing {name}", flush=True)
        sources = self._sources()
        self._pip("install", "--require-hashes", "--requirement", str(lock), sources=sources, kept_open=kept_open)
        print("Installing Gavel in place", flush=True)
        # Apart from the lock, because pip can check no hash of an editable install.
        in_place = [part for folder in IN_PLACE for part in ("--editable", str(folder))]
        self._pip("install", "--no-deps", "--no-build-isolation", *in_place, sources=sources, kept_open=kept_open)
        made["locks"][name] = digest
        written = self._record.with_suffix(".new")
        written.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
        written.rename(self._record)

    def made(self) -> tuple[dict | None, str]:
        """What it was made for, None where it has to be made anew, for the reason that comes with it."""
        if not self.folder.exists():
            return None, ""
        try:
            made = json.loads(self._record.read_text(encoding="utf-8"))
            checkout, python = made["checkout"], made["python"]
        except (OSError, ValueError, KeyError):
            return None, "its set-up was never finished"
        if checkout != str(CHECKOUT):
            return None, f"it was made in {checkout}"
        try:
            found = self._describe()
        except (OSError, ValueError, subprocess.SubprocessError):
            return None, f"its Python is gone: {python}"
        if found["python"] != python:
            return None, f"its Python was {python}"
        if os.environ.get("PYTHON") and found["python"] != _description():
            return None, f"PYTHON asks for {_description()}"
        if found["gavel"] != str(CHECKOUT / "src" / "gavel" / "__init__.py"):
            return None, "its Gavel is not this one"
        return made, ""

    def _make(self, reason: str, kept_open: int) -> None:
        if subprocess.run(
            [sys.executable, "-I", "-c", "import ensurepip, venv"], capture_output=True, check=False
        ).returncode:
            raise SetupFailed(
                f"{sys.executable} can't make virtual environments; on Debian: apt-get install python3-venv"
            )
        anew = f"Making {self.folder.name} anew ({reason})" if reason else f"Making {self.folder.name}"
        print(f"{anew} with Python {sys.version.split()[0]}", flush=True)
        _run([sys.executable, "-I", "-m", "venv", "--clear", str(self.folder)], _environment(), kept_open)

    def _describe(self) -> dict:
        done = subprocess.run([self._python, "-I", "-c", DESCRIBE], capture_output=True, check=True)
        return json.loads(done.stdout)

    def _pip(self, *arguments: str, sources: dict[str, str], kept_open: int) -> None:
        command = [self._python, "-I", "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
        _run(command, _environment() | sources, kept_open)

    def _sources(self) -> dict[str, str]:
        """Where the user's pip gets packages, as environment variables; pip reads no configuration file beside them."""
        named = {"PIP_QUIET": "0", "PIP_VERBOSE": "0"}
        if "PIP_CONFIG_FILE" in os.environ:
            named["PIP_CONFIG_FILE"] = os.environ["PIP_CONFIG_FILE"]
        command = [self._python, "-I", "-m", "pip", "--disable-pip-version-check", "config", "list"]
        listed = subprocess.run(command, env=_environment() | named, capture_output=True, text=True, check=False)
        if listed.returncode:
            raise SetupFailed(f"pip's configuration can't be read: {listed.stderr.strip()}")
        found: dict[str, dict[str, str]] = {"global": {}, "install": {}}
        for line in listed.stdout.splitlines():
            name, _, value = line.partition("=")
            section, _, setting = name.rpartition(".")
            found.setdefault(section, {})[setting] = str(ast.literal_eval(value))
        named_in_environment = {
            name[4:].lower().replace("_", "-"): value
            for name, value in os.environ.items()
            if name.startswith("PIP_") and value
        }
        settings = found["global"] | found["install"] | named_in_environment
        kept = {name: value for name, value in settings.items() if name in SOURCE_SETTINGS}
        return {"PIP_CONFIG_FILE": os.devnull} | {
            f"PIP_{name.upper().replace('-', '_')}": value for name, value in kept.items()
        }


def _environment() -> dict[str, str]:
    """This process's environment, without what changes how Python and pip run."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}


def _run(command: list[str], environment: dict[str, str], kept_open: int) -> None:
    """Run a command to its end. It holds the lock too, in case this process is killed. Raises SetupFailed."""
    if subprocess.run(command, cwd=CHECKOUT, env=environment, pass_fds=(kept_open,), check=False).returncode:
        raise SetupFailed(f"Set-up failed in `{' '.join(command)}`, for the reason above. Run make again to go on.")


def _description() -> str:
    """This Python, as a record describes one."""
    return f"{'.'.join(map(str, sys.version_info[:3]))} ({sys.base_prefix})"


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


@contextmanager
def _alone() -> Generator[int]:
    """Hold the lock on setting up this checkout; yields the number of the open lock file."""
    LOCK_FILE.parent.mkdir(exist_ok=True)
    with LOCK_FILE.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another make that sets up this checkout", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def main(folder: str, lock: str) -> int:
    """The exit status."""
    # An exception, so that what was started is ended first.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        with _alone() as kept_open:
            Environment(CHECKOUT / folder).install(CHECKOUT / lock, kept_open)
    except SetupFailed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
