"""Item channel: orders the events of one watched item and holds its watchers."""

from collections import deque

from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.feed_events import FeedEvent
from gavel.bids.ports.feed import Frames, Watcher

# Events that came out of order, or during a send. Events beyond this are read from the log again.
WAITING_EVENTS_MAX = 1_024
# Kept while a watcher joins: the events sent between its reading of the log and its admission.
SENT_EVENTS_MAX = 256


class ItemChannel:
    """Releases each event once, in the order of seq and without a gap, from the seq that it starts at.

    `seq` is that of the last event released; None until the start is known.
    """

    __slots__ = ("_sent", "_waiting", "ahead", "arriving", "item_id", "seq", "watchers")

    def __init__(self, item_id: ItemId) -> None:
        self.item_id = item_id
        self.seq: int | None = None
        self.arriving = 0
        self.watchers: dict[Frames, set[Watcher]] = {}
        # Watchers that have read further in the log than this channel has released.
        self.ahead: dict[Watcher, int] = {}
        self._waiting: dict[int, FeedEvent] = {}
        self._sent: deque[FeedEvent] = deque(maxlen=SENT_EVENTS_MAX)

    @property
    def is_deserted(self) -> bool:
        """Whether it has no watcher and none is joining."""
        return not (self.arriving or self.watchers or self.ahead)

    @property
    def has_gap(self) -> bool:
        """Whether an event is blocked because one before it is missing."""
        return bool(self._waiting) and self.seq is not None and not self.has_next

    @property
    def has_next(self) -> bool:
        """Whether a waiting event is next in order."""
        return self.seq is not None and self.seq + 1 in self._waiting

    @property
    def has_room(self) -> bool:
        """Whether another event can be buffered."""
        return len(self._waiting) < WAITING_EVENTS_MAX

    @property
    def known_seq(self) -> int:
        """The seq up to which no event is missing, released or waiting; 0 before the start."""
        seq = self.seq or 0
        while seq + 1 in self._waiting:
            seq += 1
        return seq

    def put(self, event: FeedEvent) -> bool:
        """Buffer an event; whether it is new. If full, the latest is dropped: it is read from the log later."""
        if (self.seq is not None and event.seq <= self.seq) or event.seq in self._waiting:
            return False
        if not self.has_room:
            latest = max(self._waiting)
            if event.seq > latest:
                return False
            del self._waiting[latest]
        self._waiting[event.seq] = event
        return True

    def next_events(self, limit: int) -> list[FeedEvent]:
        """Release up to `limit` events that are next in order."""
        events: list[FeedEvent] = []
        if self.seq is not None:
            while len(events) < limit and (event := self._waiting.pop(self.seq + 1, None)) is not None:
                self.seq = event.seq
                events.append(event)
        if self.arriving:
            self._sent.extend(events)
        return events

    def missed(self, seq: int) -> list[FeedEvent] | None:
        """The released events after `seq`, which a joining watcher has missed.

        None if they are no longer all kept: the watcher must read further in the log first.
        """
        missed = [event for event in self._sent if event.seq > seq]
        return missed if self.seq is None or len(missed) >= self.seq - seq else None

    def admit(self, watcher: Watcher, seq: int) -> None:
        """Send the watcher everything after `seq` from now on; the caller sends what it has missed first."""
        if self.seq is None:
            self._start(seq)
        if seq > (self.seq or 0):
            self.ahead[watcher] = seq
        else:
            self._watch(watcher)

    def overtake(self) -> list[tuple[Watcher, int]]:
        """The watchers that were ahead, each with its seq; those no longer ahead become ordinary watchers."""
        ahead = list(self.ahead.items())
        for watcher, seq in ahead:
            if seq <= (self.seq or 0):
                del self.ahead[watcher]
                self._watch(watcher)
        return ahead

    def leave(self, watcher: Watcher) -> None:
        """Remove the watcher."""
        self.ahead.pop(watcher, None)
        watchers = self.watchers.get(watcher.frames)
        if watchers is not None:
            watchers.discard(watcher)
            if not watchers:
                del self.watchers[watcher.frames]

    def let_go(self) -> None:
        """Note that a watcher has finished joining; after the last one, released events need not be kept."""
        self.arriving -= 1
        if not self.arriving:
            self._sent.clear()

    def _start(self, seq: int) -> None:
        self.seq = seq
        for old in [waiting for waiting in self._waiting if waiting <= seq]:
            del self._waiting[old]

    def _watch(self, watcher: Watcher) -> None:
        self.watchers.setdefault(watcher.frames, set()).add(watcher)
