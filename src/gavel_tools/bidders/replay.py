"""Replay of an auction from its bids and the known maxima: the expected winner and price.

Written apart from the rules that it checks, but for the table of increments. What is not known for certain, such as a
maximum whose answer was lost or a stranger's, is a range: only what would be wrong for all of it is a difference.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from gavel.bids.domain.increments import AMOUNT_MAX, BidIncrement, increment_at
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel_tools.bidders.account import ItemAccount, Placed


class BidRow(NamedTuple):
    """A bid as GetItemBids shows it. Minor units; `at` in seconds since 1970."""

    bid_id: str
    seq: int
    user_id: str
    amount: int
    automatic: bool
    at: float


class Range(NamedTuple):
    """A maximum: at least and at most. Minor units."""

    least: int
    most: int

    def __str__(self) -> str:
        """The one number, where it is known."""
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


@dataclass(slots=True)
class _Stand:
    """Where the auction stands before a decision. `lifted`: an automatic bid has reached the hidden reserve."""

    leader_id: str = ""
    maximum: Range = field(default_factory=lambda: Range(0, 0))
    price: int = 0
    seq: int = 0
    lifted: bool = False
    passed: int = 0


def replay_differences(
    item: pb.Item, rows: Sequence[BidRow], account: ItemAccount, bidders: Collection[str]
) -> Iterator[str]:
    """Where winners or prices are not what the bids make, oldest first; `rows` stand in order of seq."""
    by_seq = {row.seq: row for row in rows}
    for commitment in account.commitments:
        row = by_seq.get(commitment.seq)
        if row is not None and row.user_id != commitment.user_id:
            yield f"{commitment.user_id} bids up to {commitment.maximum} by seq {row.seq}, which is {row.user_id}'s"
    maxima, stand = _Maxima(account, bidders), _Stand()
    starts = [number for number, row in enumerate(rows) if not row.automatic]
    for start, end in pairwise([*starts, len(rows)]):
        caller, automatic = rows[start], rows[start + 1 : end]
        if _bought(item, caller) and end == len(rows):
            return
        yield from _decision(item, caller, automatic, stand, maxima)


class _Maxima:
    """What is known of the bidders' maxima."""

    def __init__(self, account: ItemAccount, bidders: Collection[str]) -> None:
        self._account = account
        self._bidders = bidders
        self._by_place: dict[tuple[str, int], list[int]] = {}
        for user_id, seq, maximum in account.commitments:
            self._by_place.setdefault((user_id, seq), []).append(maximum)

    def of_bid(self, row: BidRow) -> Range:
        """How far a bid went when it was placed."""
        if row.user_id not in self._bidders:
            return Range(row.amount, AMOUNT_MAX)
        doubted = self._account.doubtful_maxima.get(row.user_id, 0)
        known = self._by_place.get((row.user_id, row.seq), [row.amount])[0]
        in_doubt = self._account.doubtful[Placed(row.user_id, row.amount)]
        return Range(row.amount if in_doubt else known, max(known, doubted))

    def raised(self, user_id: str, maximum: Range, seq: int) -> Range:
        """How far a leader goes who stands at `seq`, after what was raised there."""
        if user_id not in self._bidders:
            return Range(maximum.least, AMOUNT_MAX)
        raises = self._by_place.get((user_id, seq), [])
        doubted = self._account.doubtful_maxima.get(user_id, 0)
        return Range(max(maximum.least, *raises, 0), max(maximum.most, *raises, doubted))


def _bought(item: pb.Item, row: BidRow) -> bool:
    """Whether a bid is a purchase, which ends the auction at its own moment whatever anyone's maximum is."""
    end_at = item.end_at
    ends = end_at is not None and end_at.seconds + end_at.nanos / 1e9 == row.at
    return item.outcome is not None and ends and row.amount == item.buy_now_price


def _decision(
    item: pb.Item, caller: BidRow, automatic: Sequence[BidRow], stand: _Stand, maxima: _Maxima
) -> Iterator[str]:
    """Play one bid and the automatic ones after it, and move on to where the auction stands then."""
    least = stand.price + _increment(item, stand.price) if stand.price else item.start_price
    if caller.amount < least:
        yield f"seq {caller.seq} is of {caller.amount}, the least bid was {least}"
    if caller.user_id == stand.leader_id:
        yield f"seq {caller.seq} is of {caller.user_id}, who led already"
    last = automatic[-1] if automatic else caller
    own = maxima.of_bid(caller)
    before = maxima.raised(stand.leader_id, stand.maximum, stand.seq) if stand.leader_id else Range(0, 0)
    called_won = last.user_id == caller.user_id
    if not called_won and last.user_id != stand.leader_id:
        yield f"seq {last.seq} makes {last.user_id} lead, who was not bidding"
    elif called_won and own.most <= before.least:
        yield f"{last.user_id} leads at seq {last.seq} with {own} against {before} of {stand.leader_id}, the earlier"
    elif not called_won and before.most < own.least:
        yield f"{last.user_id} leads at seq {last.seq} with {before} against {own} of {caller.user_id}"
    else:
        winner, loser = (own, before) if called_won else (before, own)
        # On equal maxima the earlier bidder leads: a later one has to go higher.
        ahead = 1 if called_won and stand.leader_id else 0
        loser = Range(loser.least, min(loser.most, winner.most - ahead))
        winner = Range(max(winner.least, loser.least + ahead), winner.most)
        yield from _rows(item, caller, automatic, stand, (winner, loser), maxima)
        own = before = winner
    stand.leader_id, stand.maximum = last.user_id, own if called_won else before
    stand.price, stand.seq = last.amount, last.seq


def _rows(
    item: pb.Item,
    caller: BidRow,
    automatic: Sequence[BidRow],
    stand: _Stand,
    ranges: tuple[Range, Range],
    maxima: _Maxima,
) -> Iterator[str]:
    """The automatic bids of a decision: the loser's maximum, then the winner's price, then perhaps the reserve."""
    winner, loser = ranges
    last = automatic[-1] if automatic else caller
    of_loser = [row for row in automatic if row.user_id != last.user_id]
    of_winner = [row for row in automatic if row.user_id == last.user_id]
    loser_stood = caller.amount if last.user_id != caller.user_id else stand.price
    if of_loser:
        if len(of_loser) > 1 or not loser.least <= of_loser[0].amount <= loser.most:
            yield f"seq {of_loser[0].seq} is of {of_loser[0].amount}, {of_loser[0].user_id} went up to {loser}"
        else:
            loser = Range(of_loser[0].amount, of_loser[0].amount)
    elif loser.least >= caller.amount and loser.least > loser_stood:
        yield f"after seq {caller.seq} the automatic bid of {loser} that lost is missing"
    priced = of_winner[0] if of_winner else last
    low, high = (_price(item, caller.amount, beaten, top) for beaten, top in zip(loser, winner, strict=True))
    if len(of_winner) > 1 and not _lifts(item, stand, of_winner[1], winner, maxima):
        yield f"seq {of_winner[1].seq} is an automatic bid of {of_winner[1].amount} that nothing called for"
    if not low <= priced.amount <= high and not _lifts(item, stand, priced, winner, maxima):
        price = str(Range(low, high))
        yield f"{last.user_id} has to pay {priced.amount} at seq {priced.seq}, the bids make {price}"
    stand.passed = max(stand.passed, winner.least)


def _lifts(item: pb.Item, stand: _Stand, row: BidRow, winner: Range, maxima: _Maxima) -> bool:
    """Whether an automatic bid may be the one that reaches the reserve: above all earlier amounts, at most one."""
    if not row.automatic or stand.lifted or item.reserve_state is not pb.ReserveState.MET:
        return False
    # A leader's raise that reaches it is answered with this bid.
    stand.lifted = stand.passed < row.amount <= maxima.raised(row.user_id, winner, row.seq).most
    return stand.lifted


def _price(item: pb.Item, amount: int, beaten: int, maximum: int) -> int:
    """What a winner pays: the bid, or one increment more than what was beaten, never above their own maximum."""
    return max(amount, min(beaten + _increment(item, beaten), maximum)) if beaten else amount


def _increment(item: pb.Item, price: int) -> int:
    own = item.bid_increment
    return increment_at(price, BidIncrement(own.fixed, own.basis_points) if own else BidIncrement(), item.currency)
