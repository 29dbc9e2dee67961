"""What both caches of leaderboards know of a board: its order, and what a change adds to it."""

from collections.abc import Iterable
from dataclasses import dataclass

from gavel.bids.domain.events import BidPlaced
from gavel.bids.domain.ids import UserId
from gavel.bids.ports import Change, LeaderboardEntry

# What a cache keeps of a board; beyond that it forgets the lowest.
BOARD_BIDDERS_MAX = 500


@dataclass(frozen=True, slots=True)
class NewStanding:
    """How a bidder stands after a change: the highest amount, the seq of that bid, and how many bids were added."""

    amount: int
    last_bid_seq: int
    bids: int


def ranked(entries: Iterable[LeaderboardEntry], leader_seq: int) -> list[LeaderboardEntry]:
    """In a board's order: highest amount first; on a tie the leader, then the earlier bid."""
    return sorted(entries, key=lambda entry: (-entry.amount, entry.last_bid_seq != leader_seq, entry.last_bid_seq))


def new_standings(change: Change) -> dict[UserId, NewStanding]:
    """Of every bidder whose bids the change has; amounts never fall from one bid to the next, so the last counts."""
    standings: dict[UserId, NewStanding] = {}
    for event in change.events:
        if isinstance(event, BidPlaced):
            earlier = standings.get(event.user_id)
            bids = 1 if earlier is None else earlier.bids + 1
            standings[event.user_id] = NewStanding(event.amount, event.seq, bids)
    return standings
