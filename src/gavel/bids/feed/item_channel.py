"""One watched item: its events put in order, and who is to be told of them."""

from collections import deque

from gavel.bids.domain.feed_events import FeedEvent
from gavel.bids.domain.ids import ItemId
from gavel.bids.ports.feed import Frames, Watcher

# Events that came before their turn, or while watchers were being told. What has no room is read from the log again.
WAITING_EVENTS_MAX = 1_024
# Kept while someone is on the way in: what was told between their reading of the log and their arrival.
TOLD_EVENTS_MAX = 256


class ItemChannel:
    """Tells each event once, in the order of seq and without a gap, from the seq that it starts at.

    `seq` is that of the last event told; None until it is known where to start.
    """

    __slots__ = ("_told", "_waiting", "ahead", "arriving", "item_id", "seq", "watchers")

    def __init__(self, item_id: ItemId) -> None:
        self.item_id = item_id
        self.seq: int | None = None
        self.arriving = 0
        self.watchers: dict[Frames, set[Watcher]] = {}
        # Watchers that have read further in the log than has been told here.
        self.ahead: dict[Watcher, int] = {}
        self._waiting: dict[int, FeedEvent] = {}
        self._told: deque[FeedEvent] = deque(maxlen=TOLD_EVENTS_MAX)

    @property
    def is_deserted(self) -> bool:
        """Whether nobody watches it or is about to."""
        return not (self.arriving or self.watchers or self.ahead)

    @property
    def has_gap(self) -> bool:
        """Whether an event has come whose turn can't come, because one before it is missing."""
        return bool(self._waiting) and self.seq is not None and not self.has_next

    @property
    def has_next(self) -> bool:
        """Whether the turn of a waiting event has come."""
        return self.seq is not None and self.seq + 1 in self._waiting

    @property
    def has_room(self) -> bool:
        """Whether another event may wait."""
        return len(self._waiting) < WAITING_EVENTS_MAX

    @property
    def known_seq(self) -> int:
        """The seq up to which nothing is missing, told or waiting; 0 where it has not started."""
        seq = self.seq or 0
        while seq + 1 in self._waiting:
            seq += 1
        return seq

    def put(self, event: FeedEvent) -> bool:
        """Let an event wait for its turn; whether it is news. Without room the latest is dropped: the log has it."""
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
        """Up to `limit` events whose turn has come: from now on they are told."""
        events: list[FeedEvent] = []
        if self.seq is not None:
            while len(events) < limit and (event := self._waiting.pop(self.seq + 1, None)) is not None:
                self.seq = event.seq
                events.append(event)
        if self.arriving:
            self._told.extend(events)
        return events

    def missed(self, seq: int) -> list[FeedEvent] | None:
        """What someone who knows everything up to `seq` has missed of what was told, while they were on the way in.

        None where that is not known here any more: they must read further first.
        """
        missed = [event for event in self._told if event.seq > seq]
        return missed if self.seq is None or len(missed) >= self.seq - seq else None

    def admit(self, watcher: Watcher, seq: int) -> None:
        """Tell the watcher everything after `seq` from now on; what they have missed is the caller's to tell first."""
        if self.seq is None:
            self._start(seq)
        if seq > (self.seq or 0):
            self.ahead[watcher] = seq
        else:
            self._watch(watcher)

    def overtake(self) -> list[tuple[Watcher, int]]:
        """The watchers that were ahead, with how far they knew; those that are no longer ahead watch from now on."""
        ahead = list(self.ahead.items())
        for watcher, seq in ahead:
            if seq <= (self.seq or 0):
                del self.ahead[watcher]
                self._watch(watcher)
        return ahead

    def leave(self, watcher: Watcher) -> None:
        """Tell this watcher nothing more."""
        self.ahead.pop(watcher, None)
        watchers = self.watchers.get(watcher.frames)
        if watchers is not None:
            watchers.discard(watcher)
            if not watchers:
                del self.watchers[watcher.frames]

    def let_go(self) -> None:
        """One less is on the way in; after the last of them, what was told need not be kept."""
        self.arriving -= 1
        if not self.arriving:
            self._told.clear()

    def _start(self, seq: int) -> None:
        self.seq = seq
        for old in [waiting for waiting in self._waiting if waiting <= seq]:
            del self._waiting[old]

    def _watch(self, watcher: Watcher) -> None:
        self.watchers.setdefault(watcher.frames, set()).add(watcher)
