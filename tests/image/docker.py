"""Images and containers of Docker's engine, where one answers."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.image.buildah import BUILD_SECONDS_MAX, ROOT, BuildFailed

ANSWER_SECONDS_MAX = 20


class Docker:
    """What the engine builds and runs, on this machine's network. Containers are gone when they end."""

    def base_image(self, name: str, files: Path) -> None:
        """Make an image of a folder, as it is."""
        with subprocess.Popen(["tar", "-C", str(files), "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(["docker", "import", "-", name], stdin=tar.stdout, capture_output=True, check=True)

    def has(self, name: str) -> bool:
        """Whether the engine has an image, or pulls it now."""
        return any(_run(*command).returncode == 0 for command in (("image", "inspect", name), ("pull", name)))

    def build(self, name: str, dockerfile: str, target: str, **arguments: str) -> None:
        """Build a Dockerfile's target from the repository."""
        given = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
        _say("build", "--network", "host", *given, "--file", dockerfile, "--target", target, "--tag", name, str(ROOT))

    def size(self, name: str) -> int:
        """An image's size on disk, bytes."""
        return int(_say("image", "inspect", "--format", "{{.Size}}", name))

    def configuration(self, name: str) -> dict[str, Any]:
        """What an image says of itself."""
        return json.loads(_say("image", "inspect", "--format", "{{json .Config}}", name))

    def container(self, name: str) -> str:
        """What to run a command in: the image, since each command gets a container of its own."""
        return name

    def run(self, container: str, *command: str) -> str:
        """What a command says in a container, as the image's user. Raises BuildFailed."""
        return _say("run", "--rm", "--entrypoint", command[0], container, *command[1:])

    def start(self, container: str, *command: str, log: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        """Start a command in a container, on this machine's network."""
        given = [part for key, value in environment.items() for part in ("--env", f"{key}={value}")]
        options = ("--rm", "--network", "host", "--read-only", "--cap-drop", "ALL", "--entrypoint", command[0])
        with log.open("wb") as file:
            return subprocess.Popen(
                ["docker", "run", *options, *given, container, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def terminate(self, process: "subprocess.Popen[bytes]") -> None:
        """Ask what was started to end: docker hands the signal on."""
        os.kill(process.pid, signal.SIGTERM)


def engine() -> Docker | None:
    """Docker's engine; None where none answers."""
    if shutil.which("docker") is None:
        return None
    try:
        asked = subprocess.run(["docker", "version"], capture_output=True, timeout=ANSWER_SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        return None
    return Docker() if asked.returncode == 0 else None


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["docker", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS_MAX,
        check=False,
    )


def _say(*arguments: str) -> str:
    done = _run(*arguments)
    if done.returncode != 0:
        raise BuildFailed(f"docker {arguments[0]}: {done.stdout[-3_000:]}{done.stderr[-3_000:]}")
    return done.stdout.strip()
