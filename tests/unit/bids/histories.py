"""Random auctions, lived through: terms, commands and the log that they leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from hypothesis import strategies as st

from gavel.bids.domain.auction import Auction, SoftClose, UserId
from gavel.bids.domain.bidding import new_bid, place_bid
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.decision import Decision
from gavel.bids.domain.events import Event
from gavel.bids.domain.increments import AMOUNT_MAX, BidIncrement
from gavel.bids.domain.refusals import BidRefusal, BidRefused
from tests.unit.bids.auctions import BIDDERS, SELLER, START, listed, seconds

WISHING = (*BIDDERS, *BIDDERS, SELLER)


class Wish(NamedTuple):
    """What a bidder would like: an amount so far above the least bid, a maximum so far above the amount.

    Where `more` is None the maximum is the very one that the leader has, if the amount allows it.
    """

    user_id: UserId
    over_least: int
    more: int | None
    wait_seconds: int
    buys: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One command: the auction before and after, what was asked, and what it was answered with."""

    before: Auction
    at: datetime
    user_id: UserId
    amount: int
    maximum: int
    buys: bool
    answer: Decision | BidRefused

    @property
    def after(self) -> Auction:
        """The auction after the command."""
        return self.before if isinstance(self.answer, BidRefused) else self.answer.auction

    @property
    def events(self) -> tuple[Event, ...]:
        """What the command made happen."""
        return () if isinstance(self.answer, BidRefused) else self.answer.events

    def ask_again(self) -> BidRefusal | None:
        """Why the same command is refused, if it is."""
        answer = _answer(self.before, self.at, self.user_id, self.amount, self.maximum, self.buys)
        return answer.reason if isinstance(answer, BidRefused) else None


@st.composite
def auctions(draw: st.DrawFn) -> Auction:
    """Auctions with every kind of terms, on small numbers so that bids meet, or just below the largest amount."""
    start_price = draw(st.one_of(st.integers(1, 60), st.integers(AMOUNT_MAX - 60, AMOUNT_MAX)))
    reserve_price = draw(st.one_of(st.just(0), st.integers(start_price, min(start_price + 60, AMOUNT_MAX))))
    asked = st.integers(max(start_price, reserve_price), min(start_price + 90, AMOUNT_MAX))
    auction = listed(
        start_price=start_price,
        reserve_price=reserve_price,
        buy_now_price=draw(st.one_of(st.just(0), asked)),
        soft_close=draw(soft_closes),
        end_at=START + seconds(120),
        currency=draw(st.sampled_from(["USD", "JPY"])),
    )
    return auction._replace(terms=auction.terms._replace(increment=draw(increments)))


soft_closes = st.builds(
    SoftClose,
    window_seconds=st.integers(0, 60),
    extension_seconds=st.integers(1, 60),
    max_extension_seconds=st.integers(0, 90),
)
increments = st.one_of(
    st.just(BidIncrement()),
    st.builds(BidIncrement, fixed=st.integers(0, 12), basis_points=st.sampled_from([0, 1, 500, 10_000])),
)


def _wishes_of(drawn: bytes) -> list[Wish]:
    """Four bytes a wish: one draw for all of them is ten times as fast as one for each part, and shrinks as well."""
    return [
        Wish(
            user_id=WISHING[drawn[place] % len(WISHING)],
            over_least=(drawn[place + 1] + 1) % 14 - 1,
            more=None if drawn[place + 2] > 220 else max(0, drawn[place + 2] % 64 - 20),
            wait_seconds=(4, 0, 1, 14, -1)[drawn[place + 3] % 5],
            buys=drawn[place + 3] > 240,
        )
        for place in range(0, len(drawn) - 3, 4)
    ]


wishes = st.binary(min_size=40, max_size=100).map(_wishes_of)


def live_through(auction: Auction, wishes: Sequence[Wish]) -> list[Step]:
    """Every wish as a command in its turn, then the closer."""
    steps, at = list[Step](), START + seconds(60)
    for wish in wishes:
        at += seconds(wish.wait_seconds)
        amount = min(max(1, auction.minimum_next_bid + wish.over_least), AMOUNT_MAX)
        maximum = max(amount, auction.leader_maximum) if wish.more is None else min(amount + wish.more, AMOUNT_MAX)
        if wish.buys:
            amount = maximum = auction.terms.buy_now_price
        answer = _answer(auction, at, wish.user_id, amount, maximum, wish.buys)
        steps.append(Step(auction, at, wish.user_id, amount, maximum, wish.buys, answer))
        auction = steps[-1].after
    at = max(at, auction.end_at)
    steps.append(Step(auction, at, SELLER, 0, 0, buys=False, answer=close_due(auction, at)))
    return steps


def _answer(
    auction: Auction, at: datetime, user_id: UserId, amount: int, maximum: int, buys: bool
) -> Decision | BidRefused:
    try:
        return buy_now(auction, at, user_id) if buys else place_bid(auction, at, new_bid(user_id, amount, maximum))
    except BidRefused as refusal:
        return refusal


histories = st.builds(live_through, auctions(), wishes)
