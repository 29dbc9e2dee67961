"""The pruner: lets go of the ids of events that are too old to come again."""

from datetime import timedelta

from gavel.userstats.ports import StatsBook

# The broker keeps nothing so long, and a relay that was away so long is a case for a rebuild.
DEDUP_HORIZON = timedelta(days=30)
FORGET_IDS_MAX = 10_000


async def forget_event_ids(book: StatsBook) -> int:
    """Let go of one batch of ids older than DEDUP_HORIZON; their number, 0 where none was left. Raises Unavailable."""
    return await book.forget(DEDUP_HORIZON, FORGET_IDS_MAX)
