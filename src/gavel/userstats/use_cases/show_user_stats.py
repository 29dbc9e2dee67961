"""Show a user's totals."""

from gavel.userstats.domain.ids import UserId
from gavel.userstats.domain.user_stats import UserStats
from gavel.userstats.ports import StatsBook


class UserUnknown(Exception):
    """No event names the user yet."""

    def __init__(self, user_id: UserId) -> None:
        super().__init__(f"user {user_id} has no counted event yet")
        self.user_id = user_id


async def show_user_stats(book: StatsBook, user_id: UserId) -> UserStats:
    """The user's totals. Raises UserUnknown or Unavailable."""
    stats = await book.stats_of(user_id)
    if stats is None:
        raise UserUnknown(user_id)
    return stats
