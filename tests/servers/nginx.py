"""nginx for the tests: a real one on a private port, which is no service."""

import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from gavel_tools.local_servers.ports import free_port
from gavel_tools.local_servers.server_process import ServerProcess, find_program

START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 10
POLL_SECONDS = 0.02

# Whatever it writes lies in its own folder, and in the foreground it can be stopped as any other process.
_PROXY = """\
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;

events {{
    worker_connections 256;
}}

http {{
    access_log off;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;

    server {{
        listen 127.0.0.1:{port};

        location / {{
            proxy_pass {upstream};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            {directives}
        }}
    }}
}}
"""


@contextmanager
def running_nginx(configure: Callable[[Path, int], str]) -> Generator[str]:
    """The URL of an nginx in the context, configured by what is made for its folder and port."""
    # Not below pytest's own folder, which the server's workers may not enter.
    with TemporaryDirectory(prefix="gavel-tests-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        port = free_port()
        configuration = folder / "nginx.conf"
        configuration.write_text(configure(folder, port), encoding="utf-8")
        nginx = ServerProcess("nginx", folder)
        nginx.start([str(find_program("nginx")), "-c", str(configuration), "-g", "daemon off;"], {})
        try:
            wait_listening(nginx, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            nginx.stop(STOP_SECONDS_MAX)


@contextmanager
def proxy_to(upstream: str, **directives: str) -> Generator[str]:
    """The URL of a proxy in front of a server, with these of nginx's directives."""
    lines = " ".join(f"{name} {value};" for name, value in directives.items())
    with running_nginx(
        lambda folder, port: _PROXY.format(folder=folder, port=port, upstream=upstream, directives=lines)
    ) as url:
        yield url


def wait_listening(server: ServerProcess, port: int) -> None:
    """Return when the server accepts connections."""
    deadline_seconds = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert server.runs(), server.last_words()
            assert time.monotonic() < deadline_seconds, server.last_words()
            time.sleep(POLL_SECONDS)
        else:
            return
