"""Conversion of user stats to contract messages."""

from gavel.contracts.userstats.v1 import user_stats_service_pb as pb
from gavel.runtime.timestamps import timestamp
from gavel.userstats.domain.user_stats import UserStats


def stats_message(stats: UserStats) -> pb.UserStats:
    """Convert a user's totals to the contract's message."""
    return pb.UserStats(
        user_id=stats.user_id,
        total_bids=stats.total_bids,
        total_amount=stats.total_amount,
        last_updated_at=timestamp(stats.last_updated_at),
        last_bid_at=None if stats.last_bid_at is None else timestamp(stats.last_bid_at),
        highest_bid=stats.highest_bid,
        items_bid_on=stats.items_bid_on,
        items_won=stats.items_won,
        amount_won=stats.amount_won,
        items_sold=stats.items_sold,
        amount_sold=stats.amount_sold,
    )
