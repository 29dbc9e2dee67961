"""What the ingress answers and sends again: a real nginx with what the charts and deploy/nginx-ingress.yaml ask for."""

import http.client
import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml  # pyright: ignore[reportMissingModuleSource]

from gavel.contracts.bids.v1.bid_service_connect import BidService
from gavel.contracts.userstats.v1.user_stats_service_connect import UserStatsService
from tests.deploy.rendered import ROOT, installation, of_kind, proxying
from tests.servers.nginx import running_nginx

pytestmark = pytest.mark.integration

BID = "/bids.v1.BidService/PlaceBid"
READ = "/bids.v1.BidService/GetItem"
WITH_KEY = {"Idempotency-Key": "a-key"}
FINE = b'{"fine":true}'
# Twice the time to connect, beside all else that a busy machine does; nginx alone would wait 60 s.
GIVEN_UP_SECONDS_MAX = 20
CONFIGURATION = """\
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;

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
    limit_req_zone $binary_remote_addr zone=callers:1m rate=1r/m;

    upstream pods {{
        server {first};
        server {second} backup;
    }}

    server {{
        listen 127.0.0.1:{port};
        {snippets}

        location / {{
            proxy_pass http://pods;
            {directives}
        }}
    }}
}}
"""


class Pod:
    """A server that does the same with each request, and counts them."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self.calls = 0
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        # Wakes the thread, which a close alone would leave waiting.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as request:
                headers = http.client.parse_headers(request) if request.readline() else http.client.HTTPMessage()
                request.read(int(headers.get("Content-Length", 0)))
                self.calls += 1
                self._answer(connection)


def reset(connection: socket.socket) -> None:
    """Die as a killed process does, with the request read and nothing answered."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def fine(connection: socket.socket) -> None:
    """Answer as a service does."""
    _send(connection, "200 OK", FINE)


def busy(connection: socket.socket) -> None:
    """Refuse as Gavel does under load."""
    _send(connection, "503 Service Unavailable", b'{"code":"unavailable","message":"of the service"}')


def _send(connection: socket.socket, status: str, body: bytes) -> None:
    connection.sendall(f"HTTP/1.0 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


@contextmanager
def pods(*answers: Callable[[socket.socket], None]) -> Generator[list[Pod]]:
    """Servers that answer so, in the context."""
    running = [Pod(answer) for answer in answers]
    try:
        yield running
    finally:
        for pod in running:
            pod.close()


@contextmanager
def edge(first: str, second: str, controller: str = "nginx.org", more: str = "") -> Generator[str]:
    """The address of an nginx before two pods, of which the second is asked when the first has failed."""
    [ingress] = [each for each in of_kind(installation("production"), "Ingress") if "bid" in each["metadata"]["name"]]
    lines = [f"{name} {value};" for name, value in proxying(ingress, controller).items()]

    def configure(folder: Path, port: int) -> str:
        return CONFIGURATION.format(
            folder=folder,
            port=port,
            first=first,
            second=second,
            snippets=snippets(),
            directives=" ".join([*lines, more]),
        )

    with running_nginx(configure) as url:
        yield url.removeprefix("http://")


def snippets() -> str:
    """What every host of the controller has in its configuration."""
    values = yaml.safe_load((ROOT / "deploy" / "nginx-ingress.yaml").read_text(encoding="utf-8"))
    return values["controller"]["config"]["entries"]["server-snippets"]


def call(address: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, http.client.HTTPMessage, Any]:
    """Status, headers and body of a call."""
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request("POST", path, b"{}", {"Content-Type": "application/json"} | (headers or {}))
        reply = connection.getresponse()
        return reply.status, reply.headers, json.loads(reply.read())
    finally:
        connection.close()


def assert_unavailable(reply: tuple[int, http.client.HTTPMessage, Any]) -> None:
    """A client of Connect understands that it may try again, and when."""
    status, headers, body = reply
    assert (status, body["code"], headers["Retry-After"]) == (503, "unavailable", "1")
    assert headers["Content-Type"] == "application/json"


def test_a_read_and_a_call_with_a_key_go_to_another_pod_when_one_dies_over_them() -> None:
    for path, headers in ((READ, {}), (BID, WITH_KEY)):
        with pods(reset, fine) as (dying, living), edge(dying.address, living.address) as address:
            assert call(address, path, headers)[::2] == (200, json.loads(FINE))
            assert (dying.calls, living.calls) == (1, 1)


def test_a_call_without_a_key_is_not_sent_again_and_its_caller_may_try_again() -> None:
    with pods(reset, fine) as (dying, living), edge(dying.address, living.address) as address:
        assert_unavailable(call(address, BID))
        assert (dying.calls, living.calls) == (1, 0)


def test_a_call_is_sent_again_once_and_no_more() -> None:
    with pods(reset, reset) as (dying, other), edge(dying.address, other.address) as address:
        assert_unavailable(call(address, BID, WITH_KEY))
        assert (dying.calls, other.calls) == (1, 1)


@pytest.mark.parametrize("controller", ["nginx.org", "nginx.ingress.kubernetes.io"])
def test_a_pod_that_takes_no_connection_is_given_up_within_seconds_for_another(controller: str) -> None:
    with pods(fine) as (living,), socket.create_server(("127.0.0.1", 0), backlog=0) as vanished:
        host, port = vanished.getsockname()
        # Its queue is full then, so the kernel drops what else comes, as the network does where a node is gone.
        filled = socket.create_connection((host, port))
        with filled, edge(f"{host}:{port}", living.address, controller) as address:
            connection = http.client.HTTPConnection(address, timeout=GIVEN_UP_SECONDS_MAX)
            connection.request("POST", BID, b"{}")
            assert connection.getresponse().read() == FINE
            connection.close()


def test_where_no_pod_listens_the_answer_is_one_of_connect() -> None:
    with pods(fine) as (one,), pods(fine) as (other,):
        addresses = one.address, other.address
    with edge(*addresses) as address:
        assert_unavailable(call(address, BID))


def test_what_a_service_answers_stays_as_it_is() -> None:
    with pods(busy, fine) as (first, second), edge(first.address, second.address) as address:
        status, _, body = call(address, BID)
        assert (status, body["message"], second.calls) == (503, "of the service", 0)


def test_too_many_calls_of_an_address_are_refused_in_the_words_of_connect() -> None:
    limit = "limit_req zone=callers; limit_req_status 429;"
    with pods(fine, fine) as (one, other), edge(one.address, other.address, more=limit) as address:
        assert call(address, BID)[0] == 200
        status, headers, body = call(address, BID)
        assert (status, body["code"], headers["Retry-After"]) == (429, "resource_exhausted", "1")


def test_what_the_ingress_takes_for_a_read_changes_nothing() -> None:
    (pattern,) = re.findall(r'\$uri ~ "(.+)"', snippets())
    methods = [method for service in (BidService, UserStatsService) for method in service.desc().methods]
    for method in methods:
        harmless = "NO_SIDE_EFFECTS" in str(method.idempotency) or method.name == "WatchItems"
        assert bool(re.search(pattern, f"/{method.parent.type_name}/{method.name}")) == harmless, method.name
