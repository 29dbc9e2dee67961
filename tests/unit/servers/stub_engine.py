"""A Docker engine that answers with its version and its images, and runs nothing."""

import json
import socketserver
from collections.abc import Collection, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote

REFUSAL = "dial tcp: lookup registry.example: no such host"


class StubEngine:
    """What it has, and what it was asked for."""

    def __init__(self, images: Collection[str]) -> None:
        self.images = images
        self.host = ""
        self.paths: list[str] = []

    def answer(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of a reply."""
        self.paths.append(path)
        if path.endswith("/version"):
            return 200, {"ApiVersion": "1.44", "Version": "25.0.0"}
        if method == "POST" and "/images/create" in path:
            return 500, {"message": REFUSAL}
        name = unquote(path).partition("/images/")[2].removesuffix("/json")
        if name in self.images:
            return 200, {"Id": f"sha256:{'0' * 64}", "RepoTags": [name]}
        return 404, {"message": f"No such image: {name}"}


class _UnixServer(socketserver.UnixStreamServer):
    def get_request(self) -> tuple[Any, Any]:
        request, _ = super().get_request()
        return request, ("unix", 0)


@contextmanager
def stub_engine(images: Collection[str], socket: Path | None = None) -> Generator[StubEngine]:
    """Run an engine on a Unix socket, or without one on a port of the loopback."""
    engine = StubEngine(images)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply("GET")

        def do_POST(self) -> None:
            self._reply("POST")

        def _reply(self, method: str) -> None:
            status, body = engine.answer(method, self.path)
            sent = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Print nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler) if socket is None else _UnixServer(str(socket), Handler)
    engine.host = f"tcp://127.0.0.1:{server.socket.getsockname()[1]}" if socket is None else f"unix://{socket}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield engine
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
