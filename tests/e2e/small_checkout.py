"""A checkout of Gavel's own Makefile and scripts around a tiny package: set-up without the network, in seconds."""

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.house.tree import ROOT

# As people name folders: GNU make, shells and shebang lines each read one of these characters in their own way.
AWKWARD = "a b/c'd"
COMMAND_SECONDS_MAX = 240

_PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "{name}"
version = "0"
"""

_BACKEND = '''\
"""A build backend that needs nothing: it makes an editable install of a folder."""

import zipfile
from pathlib import Path


def get_requires_for_build_editable(config_settings=None):
    return []


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "NAME-0-py3-none-any.whl"
    files = {
        "NAME.pth": str(Path("FOLDER").resolve()),
        "NAME-0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: NAME\\nVersion: 0\\n",
        "NAME-0.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = "".join(f"{file},,\\n" for file in [*files, "NAME-0.dist-info/RECORD"])
    with zipfile.ZipFile(Path(wheel_directory) / name, "w") as wheel:
        for file, text in (files | {"NAME-0.dist-info/RECORD": record}).items():
            wheel.writestr(file, text)
    return name
'''

# Prints what it was started with, imports what a foreign folder may hide, and runs until it is stopped.
_MAIN = '''\
"""What stands in for Gavel."""

import json
import os
import signal
import sys
import typing
from pathlib import Path

import locked

told = {
    "arguments": sys.argv[1:],
    "environment": sorted(os.environ),
    "gavel": __file__,
    "locked": locked.VERSION,
    "prefix": sys.prefix,
    "typing": typing.__file__,
}
if sys.argv[1:2] == ["standalone"]:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    Path("gavel.pid").write_text(str(os.getpid()))
    print(json.dumps(told), flush=True)
    print("stopped by", signal.sigwait({signal.SIGINT, signal.SIGTERM}).name, flush=True)
else:
    print(json.dumps(told), flush=True)
'''


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said on both outputs."""

    status: int
    said: str


class SmallCheckout:
    """A folder that is set up, moved, copied and harmed by tests."""

    def __init__(self, folder: Path, wheels: Path) -> None:
        self.folder = folder
        self.wheels = wheels
        self.python = folder / ".venv" / "bin" / "python"

    @classmethod
    def make(cls, folder: Path, wheels: Path) -> "SmallCheckout":
        """Lay one out; nothing of it is set up. `wheels` is where its one locked package is kept."""
        folder.mkdir(parents=True)
        shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "Makefile", folder)
        package, tools = folder / "src" / "gavel", folder / "src" / "gavel_tools"
        package.mkdir(parents=True)
        tools.mkdir()
        _write_project(folder, "gavel", "src")
        _write_project(tools, "gavel_tools", "..")
        (package / "__init__.py").write_text("")
        (package / "__main__.py").write_text(_MAIN)
        (folder / "requirements").mkdir()
        (folder / "web").mkdir()
        made = cls(folder, wheels)
        made.lock("1")
        return made

    def lock(self, version: str) -> None:
        """Write locks that name this version of the one package, which is made where it is missing."""
        wheel = _wheel(self.wheels, version)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        for name in ("demo", "dev"):
            lock = self.folder / "requirements" / f"{name}.txt"
            lock.write_text(f"# {name}\nlocked=={version} --hash=sha256:{digest}\n")

    def environment(self, settings: Mapping[str, str] | None = None) -> dict[str, str]:
        """This process's environment without what concerns Python and pip, and with no index but the wheels' folder."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        return kept | offline | dict(settings or {})

    def make_target(self, target: str, *arguments: str, settings: Mapping[str, str] | None = None) -> Ran:
        """Run `make TARGET` to its end."""
        done = subprocess.run(
            ["make", "--no-print-directory", target, *arguments],
            cwd=self.folder,
            env=self.environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
        )
        return Ran(done.returncode, done.stdout)

    def start(self, target: str, settings: Mapping[str, str] | None = None, *arguments: str) -> "subprocess.Popen[str]":
        """Start `make TARGET` in a process group of its own, as a terminal would."""
        return subprocess.Popen(
            ["make", "--no-print-directory", target, *arguments],
            cwd=self.folder,
            env=self.environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def told(self) -> dict[str, object]:
        """What the package in the environment says of itself."""
        said = subprocess.run(
            [self.python, "-I", "-m", "gavel"], capture_output=True, text=True, check=True, timeout=COMMAND_SECONDS_MAX
        )
        return json.loads(said.stdout)

    def is_whole(self, version: str = "1") -> bool:
        """Whether the environment is this checkout's, with the locked package in it."""
        told = self.told()
        return (told["gavel"], told["locked"], told["prefix"]) == (
            str(self.folder.resolve() / "src" / "gavel" / "__main__.py"),
            version,
            str(self.folder.resolve() / ".venv"),
        )


def _write_project(folder: Path, name: str, source: str) -> None:
    (folder / "pyproject.toml").write_text(_PROJECT.format(name=name))
    (folder / "backend.py").write_text(_BACKEND.replace("NAME", name).replace("FOLDER", source))


def end_group(process: "subprocess.Popen[str]") -> None:
    """End a started target with all that it started, at once."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _wheel(folder: Path, version: str) -> Path:
    """The package `locked` of a version; always the same bytes."""
    wheel = folder / f"locked-{version}-py3-none-any.whl"
    if wheel.exists():
        return wheel
    info = f"locked-{version}.dist-info"
    files = {
        "locked.py": f'VERSION = "{version}"\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: locked\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},{len(text)}"
        for name, text in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return wheel
