"""A watcher without a connection: it keeps what it is sent."""

from datetime import datetime

from gavel.bids.domain.feed_events import FeedEvent
from gavel.bids.ports.catalogue import ItemView


class PlainFrames:
    """What is sent, as words."""

    def event(self, event: FeedEvent, at: datetime) -> bytes:
        return f"event {event.seq};".encode()

    def snapshot(self, item: ItemView, at: datetime) -> bytes:
        return f"snapshot {item.auction.seq};".encode()

    def heartbeat(self, at: datetime) -> bytes:
        return b"heartbeat;"


PLAIN_FRAMES = PlainFrames()


class ReadingWatcher:
    """Watcher that reads everything at once, until it `reads` no more."""

    def __init__(self) -> None:
        self.frames = PLAIN_FRAMES
        self.sent_seconds = 0.0
        self.deadline_seconds = float("inf")
        self.reads = True
        self.sent = ""
        self.ended: Exception | None = None
        self.aborted = False

    def write(self, frames: bytes, now_seconds: float) -> bool:
        if self.ended is None and self.reads:
            self.sent_seconds = now_seconds
            self.sent += frames.decode()
        return self.reads

    async def drained(self) -> bool:
        return self.ended is None

    def end(self, reason: Exception) -> None:
        self.ended = reason

    def abort(self) -> None:
        self.aborted = True
