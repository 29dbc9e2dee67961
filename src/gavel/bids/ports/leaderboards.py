"""Leaderboard ports: reading and caching."""

from collections.abc import Sequence
from typing import Protocol

from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.leaderboards import Leaderboard
from gavel.bids.ports.book import Change

# Limit of one answer.
LEADERBOARD_ENTRIES_MAX = 100


class Leaderboards(Protocol):
    """Bidders of an item by their highest amounts."""

    async def board(self, item_id: ItemId, limit: int) -> Leaderboard:
        """The first `limit` bidders of an item, no older than what was committed when the call began.

        Raises ItemNotFound or Unavailable.
        """
        ...


class CacheAway(Exception):
    """The cache is unavailable. Callers go on without it."""


class LeaderboardCache(Protocol):
    """Cache of boards, updated by commits. A cached board may be older than the database's state.

    It may drop any board at any time, and never replaces a newer one with an older one.
    """

    async def read(self, item_id: ItemId, limit: int) -> Leaderboard | None:
        """The first `limit` bidders of the cached board; None if there is none. Raises CacheAway."""
        ...

    async def store(self, item_id: ItemId, board: Leaderboard, *, whole: bool) -> None:
        """Store a board unless one at least as new is there; not `whole` if it omits bidders. Raises CacheAway."""
        ...

    async def apply(self, changes: Sequence[Change]) -> None:
        """Apply each change to the board that is at the revision before it.

        A board that lacks what preceded the change, or the bidder's earlier bids, is dropped; a newer one stays.
        Raises CacheAway; then the boards stay as they are, and a later change may find a gap.
        """
        ...
