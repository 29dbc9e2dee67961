"""What a process does with its own commits: remember each auction's last state, and notify listeners."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from gavel.bids.domain.auction import Auction
from gavel.bids.domain.ids import ItemId
from gavel.bids.ports.book import Change, CommitListener

LAST_SEEN_AUCTIONS_MAX = 10_000

_log = structlog.get_logger(__name__)


class LastSeenAuctions:
    """Cache of LAST_SEEN_AUCTIONS_MAX auctions as this process last saw them committed; the oldest go first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[ItemId, tuple[Auction, datetime, float]] = OrderedDict()

    def remember(self, auctions: Mapping[ItemId, Auction], at: datetime) -> None:
        """Keep the states that a transaction committed, with the database's clock in it."""
        now_seconds = asyncio.get_running_loop().time()
        for item_id, auction in auctions.items():
            self._seen[item_id] = (auction, at, now_seconds)
            self._seen.move_to_end(item_id)
        while len(self._seen) > LAST_SEEN_AUCTIONS_MAX:
            self._seen.popitem(last=False)

    def get(self, item_id: ItemId) -> tuple[Auction, datetime] | None:
        """The state, and the database's clock then, moved on by the monotonic clock; None if it is not kept."""
        seen = self._seen.get(item_id)
        if seen is None:
            return None
        auction, at, seen_seconds = seen
        return auction, at + timedelta(seconds=asyncio.get_running_loop().time() - seen_seconds)


class CommitNotifier:
    """Calls each CommitListener after a commit. An error of a listener is logged, and never reaches a caller."""

    def __init__(self, listeners: Sequence[CommitListener]) -> None:
        self._listeners = listeners

    @property
    def has_listeners(self) -> bool:
        """Whether it is worth making the changes."""
        return bool(self._listeners)

    def notify(self, changes: Sequence[Change]) -> None:
        """Hand the changes of one commit to every listener."""
        for listener in self._listeners:
            try:
                listener.committed(changes)
            except Exception:  # noqa: BLE001 - logged; a listener's error must not become a caller's
                _log.exception("commit_listener_failed", listener=type(listener).__name__)
