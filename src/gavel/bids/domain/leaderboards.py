"""Leaderboards: an item's bidders in order of their highest amounts, and what new bids change."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from gavel.bids.domain.auction import UserId
from gavel.bids.domain.events import BidPlaced, Event


@dataclass(frozen=True, slots=True)
class LeaderboardEntry:
    """One bidder's row: the highest amount, the seq of the bid that made it, and the number of bids."""

    user_id: UserId
    amount: int
    last_bid_seq: int
    bid_count: int


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """An item's bidders at a `revision` and `seq`, highest amount first.

    On a tie the leader, whose last bid is `leader_seq`, stands first, then the earlier bid.
    """

    revision: int
    seq: int
    leader_seq: int
    entries: tuple[LeaderboardEntry, ...]


# A cached board drops the lowest bidders beyond this.
BOARD_BIDDERS_MAX = 500


class NewStanding(NamedTuple):
    """A bidder's standing after a change: the highest amount, the seq of that bid, and the number of bids added."""

    amount: int
    last_bid_seq: int
    bids: int


def ranked(entries: Iterable[LeaderboardEntry], leader_seq: int) -> list[LeaderboardEntry]:
    """Sort entries in a board's order: highest amount first; on a tie the leader, then the earlier bid."""
    return sorted(entries, key=lambda entry: (-entry.amount, entry.last_bid_seq != leader_seq, entry.last_bid_seq))


def new_standings(events: Iterable[Event]) -> dict[UserId, NewStanding]:
    """The standing of every bidder with a bid among the events. Amounts never fall, so a bidder's last bid counts."""
    standings: dict[UserId, NewStanding] = {}
    for event in events:
        if isinstance(event, BidPlaced):
            earlier = standings.get(event.user_id)
            bids = 1 if earlier is None else earlier.bids + 1
            standings[event.user_id] = NewStanding(event.amount, event.seq, bids)
    return standings
