"""A collector that takes every span and keeps none."""

from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from gavel_tools.bench.systems.processes import HOST


class _Taken(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Read the spans, and answer 200."""
        self.server.taken += len(self.rfile.read(int(self.headers["Content-Length"])))  # type: ignore[attr-defined]
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Log nothing."""


class SpanSink(ThreadingHTTPServer):
    """Counts the bytes that it is sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Taken)
        self.taken = 0

    @property
    def url(self) -> str:
        """Its address, as OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://{HOST}:{self.server_port}"


@contextmanager
def span_sink() -> Generator[SpanSink]:
    """A collector for the context, in a thread."""
    with SpanSink() as sink:
        serving = Thread(target=sink.serve_forever, daemon=True)
        serving.start()
        try:
            yield sink
        finally:
            sink.shutdown()
            serving.join()
