"""Images and containers without an engine: Buildah, with nothing but chroot between a container and this machine."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BUILD_SECONDS_MAX = 1_800
CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")


class BuildFailed(Exception):
    """A command failed; the text is what it said."""


def missing_tools() -> list[str]:
    """What is needed and not there."""
    tools = [tool for tool in ("buildah", "debootstrap") if shutil.which(tool) is None]
    return tools if os.geteuid() == 0 else ["root", *tools]


class Buildah:
    """Images in a folder of its own; no others are touched."""

    def __init__(self, folder: Path) -> None:
        self._options = ["--root", str(folder / "images"), "--runroot", str(folder / "run")]

    def base_image(self, name: str, files: Path) -> None:
        """Make an image of a folder, as it is."""
        container = self._buildah("from", "scratch")
        self._buildah("add", "--quiet", container, str(files), "/")
        self._buildah("commit", "--quiet", "--rm", container, name)

    def build(self, name: str, dockerfile: str, target: str, **arguments: str) -> None:
        """Build a Dockerfile's target from the repository."""
        given = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
        self._buildah(
            *("bud", "--network", "host", "--pull-never", "--layers=false"),
            *(*given, "--file", dockerfile, "--target", target, "--tag", name, str(ROOT)),
        )

    def size(self, name: str) -> int:
        """An image's size on disk, bytes."""
        (image,) = json.loads(self._buildah("images", "--json", name))
        return _bytes(image["size"])

    def configuration(self, name: str) -> dict[str, Any]:
        """What an image says of itself."""
        return json.loads(self._buildah("inspect", "--type", "image", name))["OCIv1"]["config"]

    def container(self, name: str) -> str:
        """A container of an image; its id."""
        return self._buildah("from", "--pull-never", name)

    def run(self, container: str, *command: str) -> str:
        """What a command says in a container, as the image's user. Raises BuildFailed."""
        return self._buildah("run", container, "--", *command)

    def start(self, container: str, *command: str, log: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        """Start a command in a container, on this machine's network, with all that it starts in a group of its own."""
        given = [part for key, value in environment.items() for part in ("--env", f"{key}={value}")]
        with log.open("wb") as file:
            return subprocess.Popen(
                ["buildah", *self._options, "run", "--network", "host", *given, container, "--", *command],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def has(self, name: str) -> bool:
        """Whether an image is there: those of a registry never are."""
        return False

    def terminate(self, process: "subprocess.Popen[bytes]") -> None:
        """Ask what was started to end. Buildah would not hand the signal on, but end at once and Gavel with it."""
        os.kill(_innermost(process.pid), signal.SIGTERM)

    def _buildah(self, *arguments: str) -> str:
        done = subprocess.run(
            ["buildah", *self._options, *arguments],
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS_MAX,
            check=False,
        )
        if done.returncode != 0:
            raise BuildFailed(f"buildah {arguments[0]}: {done.stdout[-3_000:]}{done.stderr[-3_000:]}")
        return done.stdout.strip()


def make_base(folder: Path) -> None:
    """A Debian with Python and what builds wheels, standing in for the base images, which no registry here has."""
    packages = "--include=binutils,ca-certificates,python3,python3-venv"
    done = subprocess.run(
        ["debootstrap", "--variant=minbase", packages, "trixie", str(folder)],
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        raise BuildFailed(f"debootstrap: {done.stdout[-2_000:]}{done.stderr[-1_000:]}")
    for rest in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(folder / rest, ignore_errors=True)
    # What the build trusts is what this machine trusts.
    shutil.copyfile(Path("/") / CERTIFICATES, folder / CERTIFICATES)


def _innermost(process_id: int) -> int:
    """The last of a line of processes of which each started the next."""
    tasks = Path(f"/proc/{process_id}/task").glob("*/children")
    children = [child for task in tasks for child in task.read_text().split()]
    return _innermost(int(children[0])) if children else process_id


def _environment() -> dict[str, str]:
    return os.environ | {"BUILDAH_ISOLATION": "chroot"}


def _bytes(said: str) -> int:
    number, unit = said.split()
    return int(float(number) * {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit])
