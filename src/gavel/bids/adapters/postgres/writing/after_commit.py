"""Cache and notifications of a process's own commits: each auction's last state, and the listeners."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from gavel.bids.domain.auction import Auction
from gavel.bids.domain.ids import ItemId
from gavel.bids.ports.book import Change, CommitListener

LAST_SEEN_AUCTIONS_MAX = 10_000

_log = structlog.get_logger(__name__)


class SeenState(NamedTuple):
    """A committed state of an auction, the last digest of its log (None for one without), and when it was seen.

    `at` is the database's clock, `seconds` the event loop's at the same moment.
    """

    auction: Auction
    digest: bytes | None
    at: datetime
    seconds: float

    def now(self) -> datetime:
        """The database's clock then, advanced by the monotonic clock."""
        return self.at + timedelta(seconds=asyncio.get_running_loop().time() - self.seconds)


class LastSeenAuctions:
    """Cache of the last states that this process committed of LAST_SEEN_AUCTIONS_MAX auctions; the oldest go first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[ItemId, SeenState] = OrderedDict()

    def remember(self, auctions: Mapping[ItemId, Auction], digests: Mapping[ItemId, bytes], at: datetime) -> None:
        """Keep the states that a transaction committed, with its reading of the database's clock."""
        now_seconds = asyncio.get_running_loop().time()
        for item_id, auction in auctions.items():
            self._seen[item_id] = SeenState(auction, digests.get(item_id), at, now_seconds)
            self._seen.move_to_end(item_id)
        while len(self._seen) > LAST_SEEN_AUCTIONS_MAX:
            self._seen.popitem(last=False)

    def get(self, item_id: ItemId) -> SeenState | None:
        """The state; None if it is not kept."""
        return self._seen.get(item_id)


class CommitNotifier:
    """Notifier of CommitListeners after a commit. A listener's error is logged, and never reaches a caller."""

    def __init__(self, listeners: Sequence[CommitListener]) -> None:
        self._listeners = listeners

    @property
    def has_listeners(self) -> bool:
        """Whether there are listeners to make changes for."""
        return bool(self._listeners)

    def notify(self, changes: Sequence[Change]) -> None:
        """Hand the changes of one commit to every listener."""
        for listener in self._listeners:
            try:
                listener.committed(changes)
            except Exception:  # noqa: BLE001 - logged; a listener's error must not become a caller's
                _log.exception("commit_listener_failed", listener=type(listener).__name__)
