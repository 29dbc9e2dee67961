"""New clients during an overload: how soon they are answered, mostly with a refusal."""

import json
import socket
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from gavel_tools.bench.systems.processes import HOST

# So that these requests are no load themselves.
PAUSE_SECONDS = 0.02
ANSWER_SECONDS_MAX = 10.0
_NO_ROOM = b"HTTP/1.1 503 "


@dataclass(slots=True)
class Newcomers:
    """Milliseconds from connecting to the answer, and the number refused by load shedding."""

    answers_ms: list[float] = field(default_factory=list[float])
    refused: int = 0


@contextmanager
def newcomers(port: int, item_id: str, noted: Newcomers) -> Generator[None]:
    """Read an item over and over in the context, each time on a new connection, and record the answers.

    Raises OSError on exit if a request got no answer.
    """
    over = threading.Event()
    body = json.dumps({"id": item_id})
    request = (
        f"POST /bids.v1.BidService/GetItem HTTP/1.1\r\nHost: {HOST}:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()

    def ask_on() -> None:
        while not over.wait(PAUSE_SECONDS):
            began_seconds = time.perf_counter()
            with socket.create_connection((HOST, port), timeout=ANSWER_SECONDS_MAX) as connection:
                connection.sendall(request)
                answer = connection.recv(len(_NO_ROOM))
                took_seconds = time.perf_counter() - began_seconds
            noted.answers_ms.append(took_seconds * 1_000)
            noted.refused += answer == _NO_ROOM

    with ThreadPoolExecutor(max_workers=1) as thread:
        asking = thread.submit(ask_on)
        try:
            yield
        finally:
            over.set()
        asking.result()
