"""Anyone looks at who has bid how much."""

from gavel.bids.domain.ids import ItemId
from gavel.bids.domain.leaderboards import Leaderboard
from gavel.bids.domain.refusals import ItemNotFound
from gavel.bids.ports.leaderboards import Leaderboards


async def show_leaderboard(leaderboards: Leaderboards, item_id: ItemId, limit: int) -> Leaderboard:
    """The first `limit` bidders of an item. Raises ItemNotFound, or Unavailable."""
    board = await leaderboards.board(item_id, limit)
    if board is None:
        raise ItemNotFound(item_id)
    return board
