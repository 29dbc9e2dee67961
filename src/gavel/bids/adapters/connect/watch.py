"""WatchItems over Connect without the full application: a watcher is a connection and a position in the feed.

The plain case is a POST of Connect's streaming JSON or Protobuf, its message plain or gzipped. All other requests go to
the full application, which reports their errors. Why it is written by hand: docs/decisions.
"""

import asyncio
import math
import time
from collections.abc import Mapping

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from gavel.bids.adapters.connect.errors import connect_error
from gavel.bids.adapters.connect.frames import ConnectFrames
from gavel.bids.adapters.connect.requests import watched_of
from gavel.bids.feed.live_feed import LiveFeed
from gavel.bids.feed.watch_items import watch_items
from gavel.bids.ports.feed import EventLog, StreamDeadline
from gavel.contracts.bids.v1.bid_service_pb import WatchItemsRequest
from gavel.runtime.http.authentication.principals import current_principal, token_expired
from gavel.runtime.http.connect import (
    JSON_CODEC,
    PROTO_CODEC,
    REQUEST_BYTES_MAX,
    connect_error_of,
    end_of_stream,
    message_of,
)
from gavel.runtime.http.detached_streams import Stream, chunk
from gavel.runtime.http.server import Asgi, Message, Receive, Scope, Send

PATH = "/bids.v1.BidService/WatchItems"

# The Connect protocol's own bound.
TIMEOUT_DIGITS_MAX = 10

_METHOD = "WatchItems"
_CODECS = {b"application/connect+json": JSON_CODEC, b"application/connect+proto": PROTO_CODEC}
_FRAMES = {content_type: ConnectFrames(codec) for content_type, codec in _CODECS.items()}
_ENCODINGS = ("", "identity", "gzip")


class ConnectWatcher(Stream):
    """Watcher on a connection of its own, until the deadline that it asked for or the expiry of its token."""

    __slots__ = ("_feed", "_token_seconds", "deadline_seconds", "frames", "sent_seconds")

    def __init__(self, feed: LiveFeed, frames: ConnectFrames, asked_seconds: float, token_seconds: float) -> None:
        """Both times are on the event loop's clock."""
        super().__init__()
        self.frames = frames
        self.deadline_seconds = min(asked_seconds, token_seconds)
        self._token_seconds = token_seconds
        self.sent_seconds = asyncio.get_running_loop().time()
        self._feed = feed

    def write(self, frames: bytes, now_seconds: float) -> bool:
        """See Watcher.write."""
        if self.is_open:
            if self.is_full:
                return False
            self.sent_seconds = now_seconds
            self.transport.write(frames)
        return True

    def end(self, reason: Exception) -> None:
        """See Watcher.end."""
        if isinstance(reason, StreamDeadline) and self.deadline_seconds == self._token_seconds:
            reason = token_expired()
        self.finish(chunk(end_of_stream(connect_error_of(reason, connect_error, _METHOD))))

    def lost(self) -> None:
        """Remove the watcher from the feed when its connection is lost."""
        self._feed.gone(self)


def watching(feed: LiveFeed, log: EventLog, full: Asgi) -> Asgi:
    """Build an application that answers WatchItems, and passes all else to `full`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"]) if scope["path"] == PATH and scope["method"] == "POST" else {}
        content_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if content_type not in _CODECS:
            await full(scope, receive, send)
            return
        head = _head(content_type)

        async def open_watcher() -> ConnectWatcher:
            await send(head)
            watcher = ConnectWatcher(feed, _FRAMES[content_type], asked_seconds, token_seconds)
            watcher.take_over(scope)
            return watcher

        try:
            asked_seconds, token_seconds = _deadline_of(headers), _token_end()
            encoding = _encoding_of(headers)
            body = await _body(receive)
            if body is None:
                return
            wanted = watched_of(_CODECS[content_type].decode(message_of(body, encoding), WatchItemsRequest))
            await watch_items(feed, log, wanted, open_watcher)
        except Exception as error:  # noqa: BLE001 - the error table maps every exception, else it is internal
            ending = end_of_stream(connect_error_of(error, connect_error, _METHOD))
            await send(head)
            await send({"type": "http.response.body", "body": ending})

    return app


def _head(content_type: bytes) -> Message:
    # The last header asks proxies such as nginx to forward each frame at once.
    headers = [(b"content-type", content_type), (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
    return {"type": "http.response.start", "status": 200, "headers": headers}


def _deadline_of(headers: Mapping[bytes, bytes]) -> float:
    """The deadline that the watcher asked for, on the event loop's clock. Raises ConnectError."""
    if headers.get(b"connect-protocol-version", b"1") != b"1":
        raise ConnectError(Code.INVALID_ARGUMENT, "connect-protocol-version must be 1")
    timeout_ms = headers.get(b"connect-timeout-ms")
    if not timeout_ms:
        return math.inf
    if len(timeout_ms) > TIMEOUT_DIGITS_MAX or not timeout_ms.isdigit():
        raise ConnectError(Code.INVALID_ARGUMENT, "connect-timeout-ms must be a number of up to ten digits")
    return asyncio.get_running_loop().time() + int(timeout_ms) / 1_000


def _token_end() -> float:
    """The expiry of the watcher's token, on the event loop's clock."""
    return asyncio.get_running_loop().time() + current_principal().until_seconds - time.time()


def _encoding_of(headers: Mapping[bytes, bytes]) -> str:
    encoding = headers.get(b"connect-content-encoding", b"").decode("latin-1")
    if encoding not in _ENCODINGS:
        raise ConnectError(Code.UNIMPLEMENTED, "connect-content-encoding may be gzip or identity")
    return encoding


async def _body(receive: Receive) -> bytes | None:
    """Read the whole body; None if the client has left. Raises ConnectError if it is too long."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message["body"]
        if len(body) > REQUEST_BYTES_MAX:
            raise ConnectError(Code.RESOURCE_EXHAUSTED, f"a request has at most {REQUEST_BYTES_MAX} bytes")
        if not message.get("more_body"):
            return bytes(body)
