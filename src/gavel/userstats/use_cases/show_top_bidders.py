"""List the users who spent most."""

from gavel.userstats.domain.user_stats import UserStats
from gavel.userstats.ports import StatsBook, TopPosition


async def show_top_bidders(
    book: StatsBook, *, after: TopPosition | None, limit: int
) -> tuple[list[UserStats], TopPosition | None]:
    """A page of bidders, most spent on won items first, and the position of the next page; None if this is the last.

    Raises Unavailable.
    """
    users = await book.top_bidders(after, limit + 1)
    page = users[:limit]
    more = len(users) > limit
    return page, TopPosition(page[-1].amount_won, page[-1].user_id) if more else None
