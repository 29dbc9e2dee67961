"""Watchers of items: `python -m gavel_tools.bench.clients.watch_probe [--stall] PORT WATCHERS ITEM...`

Plain sockets and no HTTP library, since a thousand watchers on the machine that serves them must cost it little. It
prints a line when every watcher has a snapshot, and at the end of its input a JSON object: for each amount that was
bid, when it came to each watcher that it came to (seconds since the epoch). With `--stall` they read nothing more after
their first snapshot.
"""

import json
import re
import selectors
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from gavel_tools.bench.systems.processes import HOST

PATH = "/bids.v1.BidService/WatchItems"
OPENING_AT_ONCE_MAX = 64
OPEN_SECONDS_MAX = 90.0
RECEIVE_BYTES_MAX = 65_536
# The kernel's minimum, so that a stalled watcher's buffer fills soon.
STALLED_SOCKET_BYTES = 2_304

_AMOUNT = re.compile(rb'"amount":\s*"(\d+)"')
_SNAPSHOT = b'"snapshot"'


@dataclass(slots=True)
class Watcher:
    """A connection, and what has come of a chunk that is not whole."""

    socket: socket.socket
    has_snapshot: bool = False
    rest: bytes = b""

    def read(self) -> bytes:
        """The chunks that have come whole. Raises ConnectionResetError where the server has ended the stream."""
        data = self.socket.recv(RECEIVE_BYTES_MAX)
        if not data:
            raise ConnectionResetError(f"the server ended a stream: {self.rest!r}")
        data = self.rest + data
        # Each frame is a chunk, and JSON has no line ends in it.
        whole = data.rfind(b"\r\n") + 2 if b"\r\n" in data else 0
        self.rest = data[whole:]
        return data[:whole]


@dataclass(slots=True)
class Crowd:
    """All watchers of this process."""

    port: int
    item_ids: Sequence[str]
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    arrivals: dict[int, list[float]] = field(default_factory=dict[int, list[float]])

    def open(self, count: int, *, stall: bool) -> None:
        """Open so many watchers, some at a time, each until it has its snapshot. Raises TimeoutError."""
        request, opened, opening = self._request(), 0, 0
        deadline_seconds = time.monotonic() + OPEN_SECONDS_MAX
        while opened < count or opening:
            while opened < count and opening < OPENING_AT_ONCE_MAX:
                watcher = self._connect(stall=stall)
                watcher.socket.sendall(request)
                self.selector.register(watcher.socket, selectors.EVENT_READ, watcher)
                opened, opening = opened + 1, opening + 1
            for key, _ in self.selector.select(1.0):
                watcher: Watcher = key.data
                if watcher.has_snapshot:
                    self._note(watcher.read())
                elif _SNAPSHOT in watcher.read():
                    watcher.has_snapshot, opening = True, opening - 1
                    if stall:
                        self.selector.unregister(watcher.socket)
            if time.monotonic() > deadline_seconds:
                raise TimeoutError(f"{opening} of {opened} watchers have no snapshot after {OPEN_SECONDS_MAX:.0f} s")

    def watch(self) -> None:
        """Read what comes until standard input ends."""
        self.selector.register(sys.stdin, selectors.EVENT_READ, None)
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    return
                self._note(key.data.read())

    def _note(self, chunks: bytes) -> None:
        for amount in _AMOUNT.findall(chunks):
            self.arrivals.setdefault(int(amount), []).append(time.time())

    def _connect(self, *, stall: bool) -> Watcher:
        connection = socket.socket()
        if stall:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, STALLED_SOCKET_BYTES)
        connection.connect((HOST, self.port))
        return Watcher(connection)

    def _request(self) -> bytes:
        message = json.dumps({"items": [{"item_id": item_id} for item_id in self.item_ids]}).encode()
        # Connect's envelope: no flags, and the length.
        body = b"\0" + len(message).to_bytes(4, "big") + message
        return (
            f"POST {PATH} HTTP/1.1\r\nHost: {HOST}:{self.port}\r\n"
            f"Content-Type: application/connect+json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def main() -> None:
    """Open the watchers, print a line, watch, and print the result."""
    port, count, *item_ids = (argument for argument in sys.argv[1:] if argument != "--stall")
    crowd = Crowd(int(port), item_ids)
    crowd.open(int(count), stall="--stall" in sys.argv)
    print("ready", flush=True)
    crowd.watch()
    print(json.dumps(crowd.arrivals))


if __name__ == "__main__":
    main()
