"""WatchItems: a watcher is a connection and a position in the feed, without a task (see docs/decisions)."""

import asyncio
import math
import time
from collections.abc import Callable

from connectrpc.code import Code

from gavel.bids.adapters.connect.errors import connect_error
from gavel.bids.adapters.connect.frames import ConnectFrames
from gavel.bids.adapters.connect.requests import watched_of
from gavel.bids.feed.live_feed import RETRY_AFTER_SECONDS, LiveFeed
from gavel.bids.feed.watch_items import watch_items
from gavel.bids.ports.feed import EventLog, StreamDeadline
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.runtime.http.addresses import Tally
from gavel.runtime.http.calls import Call, token_expired
from gavel.runtime.http.connect.errors import RetryLater, connect_error_of
from gavel.runtime.http.connect.protocol import JSON_CODEC, PROTO_CODEC, StrictCodec, end_of_stream
from gavel.runtime.http.streams import Stream, chunk

# Items that are watched by all streams of one address, and by those of one user. An office may share an address.
ADDRESS_WATCHED_ITEMS_MAX = 10_000
USER_WATCHED_ITEMS_MAX = 2_000

_METHOD = "WatchItems"
_FRAMES = {codec: ConnectFrames(codec) for codec in (JSON_CODEC, PROTO_CODEC)}


class WatchLimits:
    """How many items the streams of one address, and those of one user, watch at a time."""

    def __init__(self) -> None:
        self._of_address, self._of_user = Tally(), Tally()

    def take(self, call: Call, count: int) -> Callable[[], None]:
        """Count items that a call is to watch, and return how to give them back, once. Raises RetryLater."""
        user_id = call.proven_user_id
        taken = (
            (self._of_address, call.address_key, ADDRESS_WATCHED_ITEMS_MAX, "address"),
            (self._of_user, user_id, USER_WATCHED_ITEMS_MAX, "user"),
        )
        is_given_back = False

        def give_back() -> None:
            nonlocal is_given_back
            if not is_given_back:
                is_given_back = True
                for tally, key, _, _ in taken:
                    tally.drop(key, count)

        over = [name for tally, key, most, name in taken if tally.add(key, count) > most]
        if over:
            give_back()
            message = f"one {over[0]} watches too many items"
            raise RetryLater(Code.RESOURCE_EXHAUSTED, message, RETRY_AFTER_SECONDS)
        return give_back


class ConnectWatcher(Stream):
    """Watcher on a connection of its own, until the deadline that it asked for or the expiry of its token."""

    __slots__ = ("_feed", "_give_back", "_token_seconds", "deadline_seconds", "frames", "sent_seconds")

    def __init__(
        self,
        feed: LiveFeed,
        frames: ConnectFrames,
        asked_seconds: float,
        token_seconds: float,
        give_back: Callable[[], None],
    ) -> None:
        """Both times are on the event loop's clock. `give_back` is called when the connection is lost."""
        super().__init__()
        self._give_back = give_back
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
        self._give_back()
        self._feed.gone(self)


class WatchApi:
    """Handler of BidService.WatchItems."""

    def __init__(self, feed: LiveFeed, log: EventLog) -> None:
        self._feed = feed
        self._log = log
        self._limits = WatchLimits()

    async def watch_items(
        self, call: Call, request: pb.WatchItemsRequest, codec: StrictCodec, head_lines: bytes
    ) -> None:
        """See BidService.WatchItems. Returns once the feed has the connection."""
        now_seconds = asyncio.get_running_loop().time()
        asked = call.asked_seconds()
        asked_seconds = math.inf if asked is None else now_seconds + asked
        until = math.inf if call.principal is None else call.principal.until_seconds
        watched = watched_of(request)
        give_back = self._limits.take(call, len(watched))
        token_seconds = now_seconds + until - time.time()
        watcher = ConnectWatcher(self._feed, _FRAMES[codec], asked_seconds, token_seconds, give_back)

        async def open_watcher() -> ConnectWatcher:
            call.exchange.open_stream(head_lines, watcher)
            return watcher

        try:
            await watch_items(self._feed, self._log, watched, open_watcher)
        finally:
            # Else it is given back when the connection is lost.
            if not watcher.is_open:
                give_back()
