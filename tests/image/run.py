"""`make image-check`: build the Python image, look at it, and run all of Gavel from it.

The servers are this machine's own, as `make up` starts them. Docker's engine does it where one answers, else Buildah,
which needs root. Where the base images can't be had, a Debian stands in for them (debootstrap, and root).
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit

from rich.console import Console

from gavel.standalone import DATABASES
from gavel_tools.local_servers.readiness import is_ready
from gavel_tools.local_servers.stack import Stack, private_ports
from tests.image.buildah import ROOT, Buildah, BuildFailed, make_base, missing_tools
from tests.image.docker import Docker, engine
from tests.image.postgres_port import postgres_port

BASE, IMAGE = "localhost/python-base", "localhost/gavel"
# As deploy/Dockerfile names them.
BASES = {"PYTHON_IMAGE": "python:3.13-slim-trixie", "PYTHON_BUILD_IMAGE": "python:3.13-trixie"}
# With a Debian-slim Python of 120 MB below it, the image stays under 250.
OWN_BYTES_MAX = 115_000_000
# The only place that a read-only container may write to.
WRITABLE = {"/dev/shm", "/run/lock", "/tmp", "/var/lock", "/var/tmp"}
VERIFY_SECONDS_MAX = 120
READY_SECONDS_MAX = 60
STOP_SECONDS_MAX = 15
POLL_SECONDS = 0.1


Builder = Buildah | Docker


class ImageWrong(Exception):
    """The image is not as it should be; the text says how."""


def main() -> int:
    """The exit status: 0 where the image does all that it should."""
    console = Console(highlight=False)
    docker = engine()
    missing = [] if docker else missing_tools()
    if missing:
        console.print(
            f"[red]make image-check[/red] needs Docker's engine, or {' and '.join(missing)};"
            " on Debian, as root: apt-get install buildah debootstrap"
        )
        return 1
    with TemporaryDirectory(prefix="gavel-image-") as folder:
        builder = docker or Buildah(Path(folder))
        console.print(f"Built and run by {type(builder).__name__}")
        try:
            base = _build(builder, console)
            _look(builder, base, console)
            _run(builder, Path(folder), console)
        except (BuildFailed, ImageWrong) as error:
            console.print(f"[red]wrong:[/red] {error}")
            return 1
    console.print("The image is as it should be, and all of Gavel runs from it.")
    return 0


def _build(builder: Builder, console: Console) -> str:
    """Build the image; the name of its base."""
    bases = BASES
    if not all(map(builder.has, BASES.values())):
        builder.base_image(BASE, _stand_in(console))
        bases = dict.fromkeys(BASES, BASE)
    with console.status("Building the image"):
        builder.build(IMAGE, "deploy/Dockerfile", "runtime", VERSION="0.1.0", REVISION="checked", **bases)
    return bases["PYTHON_IMAGE"]


def _stand_in(console: Console) -> Path:
    """A Debian with Python, which is made once."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gavel" / "image-base-trixie"
    if not base.is_dir():
        _hold(shutil.which("debootstrap") is not None, "no base images, and no debootstrap to stand in for them")
        with console.status("Making a base system, once"):
            # Beside its place, so that half a base is never taken for one.
            making = base.with_name(f"{base.name}.{os.getpid()}")
            try:
                make_base(making)
                making.rename(base)
            finally:
                shutil.rmtree(making, ignore_errors=True)
    return base


def _look(builder: Builder, base: str, console: Console) -> None:
    own = builder.size(IMAGE) - builder.size(base)
    _hold(
        own < OWN_BYTES_MAX,
        f"Gavel and its libraries take {own / 1e6:.0f} MB, and {OWN_BYTES_MAX / 1e6:.0f} is the limit",
    )
    configuration = builder.configuration(IMAGE)
    _hold(configuration["User"] == "65532:65532", f"the user is {configuration['User']}")
    _hold(configuration["Labels"]["org.opencontainers.image.revision"] == "checked", "the labels are missing")
    container = builder.container(IMAGE)
    writable = set(builder.run(container, "sh", "-c", "find / -xdev -type d -writable 2>/dev/null || true").split())
    _hold(writable <= WRITABLE, f"the user can write to {sorted(writable - WRITABLE)}")
    tools = builder.run(container, "sh", "-c", "ls /opt/gavel/bin; command -v cc gcc make || true").split()
    _hold(not {"pip", "cc", "gcc", "make"} & {Path(tool).name for tool in tools}, f"there are build tools: {tools}")
    version = builder.run(container, "gavel", "version")
    console.print(f"gavel {version}: {own / 1e6:.0f} MB over its base, no root, nothing to write to, no build tools")


def _run(builder: Builder, folder: Path, console: Console) -> None:
    with _servers(folder / "servers") as stack, postgres_port(_socket_folder(stack)) as port:
        urls = {f"{name.upper()}_URL": f"postgresql://gavel@127.0.0.1:{port}/{name}" for name in DATABASES}
        urls |= {"RABBITMQ_URL": stack.rabbitmq.url, "REDIS_URL": stack.redis.url}
        for side in ("bids", "stats"):
            log = folder / f"migrate-{side}.log"
            migrate = builder.start(builder.container(IMAGE), "gavel", "migrate", side, log=log, environment=urls)
            _hold(migrate.wait(VERIFY_SECONDS_MAX) == 0, f"gavel migrate {side}: {log.read_text()}")
            console.print(f"gavel migrate {side}: {log.read_text().strip().splitlines()[-1]}")
        started = {name: _start(builder, stack, name, folder, urls) for name in stack.ports.admin}
        try:
            for name in started:
                _wait_ready(stack.ports.admin[name], folder / f"{name}.log")
            _hold(_verify(stack) == 0, "the deployment does not work, as said above")
        finally:
            statuses = {name: _stop(builder, process) for name, process in started.items()}
        console.print(f"stopped: {statuses}")
        for name, status in statuses.items():
            said = (folder / f"{name}.log").read_text()
            _hold(
                status == 0 and '"stopped"' in said,
                f"gavel {name} did not stop in good order: {status}\n{said[-2_000:]}",
            )


def _start(builder: Builder, stack: Stack, name: str, folder: Path, urls: dict[str, str]) -> "subprocess.Popen[bytes]":
    environment = urls | {
        "AUTH_MODE": "trusted",
        "HTTP_PORT": str(stack.ports.http_port(name)),
        "ADMIN_PORT": str(stack.ports.admin[name]),
    }
    return builder.start(builder.container(IMAGE), "gavel", name, log=folder / f"{name}.log", environment=environment)


def _stop(builder: Builder, process: "subprocess.Popen[bytes]") -> int:
    builder.terminate(process)
    try:
        return process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def _verify(stack: Stack) -> int:
    urls = ["--api", f"http://127.0.0.1:{stack.ports.bid_api}", "--stats", f"http://127.0.0.1:{stack.ports.stats_api}"]
    admin = [f"--admin={name}=http://127.0.0.1:{port}" for name, port in stack.ports.admin.items()]
    script = ROOT / "scripts" / "verify-deployment.sh"
    return subprocess.run([str(script), "up", *urls, *admin], timeout=VERIFY_SECONDS_MAX, check=False).returncode


@contextmanager
def _servers(folder: Path) -> Generator[Stack]:
    """The three servers of `make up`, with empty databases and without Gavel's processes."""
    folder.mkdir()
    stack = Stack(folder, private_ports())
    try:
        stack.postgres.start()
        for database in DATABASES:
            asyncio.run(stack.postgres.server.create_database(database))
        stack.rabbitmq.start()
        stack.redis.start()
        yield stack
    finally:
        stack.down(Console(quiet=True))


def _socket_folder(stack: Stack) -> Path:
    return Path(parse_qs(urlsplit(stack.postgres.server.url("bid_db")).query)["host"][0])


def _wait_ready(admin_port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while not is_ready(admin_port):
        _hold(time.monotonic() < deadline, f"{log.stem} is not ready: {log.read_text()[-2_000:]}")
        time.sleep(POLL_SECONDS)


def _hold(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ImageWrong(otherwise)


if __name__ == "__main__":
    sys.exit(main())
