"""One kept connection to PlaceBid, as a browser or curl has it: one packet a request, no delay, nothing in between."""

import json
import socket

from gavel_tools.bench.case import MeasurementFailed
from gavel_tools.bench.systems.processes import HOST

ANSWER_SECONDS_MAX = 10.0
_RECEIVE_BYTES_MAX = 65_536


class KeptConnection:
    """Bids over one connection. The caller makes the bytes beforehand, so that only the exchange is timed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection((HOST, port), timeout=ANSWER_SECONDS_MAX)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def bid(self, item_id: str, user_id: str, amount: int) -> bytes:
        """A bid as the bytes to send."""
        body = json.dumps({"item_id": item_id, "user_id": user_id, "amount": amount}).encode()
        return (
            f"POST /bids.v1.BidService/PlaceBid HTTP/1.1\r\nHost: {HOST}:{self._port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def exchange(self, request: bytes) -> None:
        """Send a request whole and take in its reply. Raises MeasurementFailed for any answer but 200."""
        self._socket.sendall(request)
        reply = self._more()
        while b"\r\n\r\n" not in reply:
            reply += self._more()
        head, _, body = reply.partition(b"\r\n\r\n")
        length = _content_length(head)
        while len(body) < length:
            body += self._more()
        if not head.startswith(b"HTTP/1.1 200 "):
            raise MeasurementFailed(f"the server answered {head.splitlines()[0].decode()}: {body.decode()}")

    def _more(self) -> bytes:
        more = self._socket.recv(_RECEIVE_BYTES_MAX)
        if not more:
            raise MeasurementFailed("the server closed the connection in the middle of a reply")
        return more


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    raise MeasurementFailed("the server sent a reply without a length")
