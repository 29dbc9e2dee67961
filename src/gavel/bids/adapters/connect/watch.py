"""WatchItems: a watcher is a connection and a position in the feed, without a task (see docs/decisions)."""

import asyncio
import math
import time

from gavel.bids.adapters.connect.errors import connect_error
from gavel.bids.adapters.connect.frames import ConnectFrames
from gavel.bids.adapters.connect.requests import watched_of
from gavel.bids.feed.live_feed import LiveFeed
from gavel.bids.feed.watch_items import watch_items
from gavel.bids.ports.feed import EventLog, StreamDeadline
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.runtime.http.calls import Call, token_expired
from gavel.runtime.http.connect.errors import connect_error_of
from gavel.runtime.http.connect.protocol import JSON_CODEC, PROTO_CODEC, StrictCodec, end_of_stream
from gavel.runtime.http.streams import Stream, chunk

_METHOD = "WatchItems"
_FRAMES = {codec: ConnectFrames(codec) for codec in (JSON_CODEC, PROTO_CODEC)}


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


class WatchApi:
    """Handler of BidService.WatchItems."""

    def __init__(self, feed: LiveFeed, log: EventLog) -> None:
        self._feed = feed
        self._log = log

    async def watch_items(
        self, call: Call, request: pb.WatchItemsRequest, codec: StrictCodec, head_lines: bytes
    ) -> None:
        """See BidService.WatchItems. Returns once the feed has the connection."""
        now_seconds = asyncio.get_running_loop().time()
        asked = call.asked_seconds()
        asked_seconds = math.inf if asked is None else now_seconds + asked
        until = math.inf if call.principal is None else call.principal.until_seconds
        watcher = ConnectWatcher(self._feed, _FRAMES[codec], asked_seconds, now_seconds + until - time.time())

        async def open_watcher() -> ConnectWatcher:
            call.exchange.open_stream(head_lines, watcher)
            return watcher

        await watch_items(self._feed, self._log, watched_of(request), open_watcher)
