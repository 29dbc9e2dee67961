"""Reading leaderboards, and caching them."""

from collections.abc import Sequence
from typing import Protocol

from gavel.bids.domain.ids import ItemId
from gavel.bids.domain.leaderboards import Leaderboard
from gavel.bids.ports.book import Change

# What one answer shows at most.
LEADERBOARD_ENTRIES_MAX = 100


class Leaderboards(Protocol):
    """Who has bid how much."""

    async def board(self, item_id: ItemId, limit: int) -> Leaderboard:
        """The first `limit` bidders of an item, no older than what was committed when it was asked for.

        Raises ItemNotFound or Unavailable.
        """
        ...


class CacheAway(Exception):
    """The cache can't be asked now. Whoever asks goes on without it."""


class LeaderboardCache(Protocol):
    """Boards that were read once, kept up by what is committed. A board that is there may be older than the truth.

    It may forget any board at any time, and never puts an older one in the place of a newer one.
    """

    async def read(self, item_id: ItemId, limit: int) -> Leaderboard | None:
        """The first `limit` bidders of the board that is kept; None where none is. Raises CacheAway."""
        ...

    async def store(self, item_id: ItemId, board: Leaderboard, *, whole: bool) -> None:
        """Keep a board, unless one as new is there; not `whole` where it leaves bidders out. Raises CacheAway."""
        ...

    async def apply(self, changes: Sequence[Change]) -> None:
        """Bring the boards that show the revision before a change up to it.

        A board that lacks what went before the change, or the bidder's earlier bids, is forgotten; a newer one stays.
        Raises CacheAway; then the boards stay as they are, or come to a later change with a gap.
        """
        ...
