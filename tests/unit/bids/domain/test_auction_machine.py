"""Any command at any time, against a house that keeps a sorted list of maxima."""

from datetime import datetime
from itertools import pairwise
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gavel.bids.domain.auction import Auction, SoftClose, UserId
from gavel.bids.domain.bidding import new_bid, place_bid
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.changing import cancel_item
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.decision import Decision
from gavel.bids.domain.events import AuctionCancelled, AuctionClosed, AuctionExtended, BidPlaced, Event
from gavel.bids.domain.increments import BidIncrement
from gavel.bids.domain.refusals import BidRefused, ChangeRefused, NotTheSeller
from tests.unit.bids.auctions import BIDDERS, SELLER, START, listed, rows, seconds
from tests.unit.bids.naive_house import NaiveHouse

END_SECONDS = 100

people = st.sampled_from((*BIDDERS, *BIDDERS, SELLER))
bidders = st.sampled_from(BIDDERS)


class AuctionMachine(RuleBasedStateMachine):
    """One auction, decided by the rules and by the naive house; both must say the same at every step."""

    @initialize(
        start_price=st.integers(1, 20),
        over_start=st.one_of(st.none(), st.integers(0, 25)),
        over_reserve=st.one_of(st.none(), st.integers(0, 25)),
        fixed=st.integers(0, 5),
        percent=st.sampled_from((0, 7, 50)),
        soft=st.tuples(st.integers(0, 30), st.integers(1, 30), st.integers(0, 60)),
    )
    def list_item(
        self,
        start_price: int,
        over_start: int | None,
        over_reserve: int | None,
        fixed: int,
        percent: int,
        soft: tuple[int, int, int],
    ) -> None:
        """Agree on the same terms twice."""
        reserve = 0 if over_start is None else start_price + over_start
        buy_now_price = 0 if over_reserve is None else max(reserve, start_price) + over_reserve
        increment = BidIncrement(fixed, percent * 100) if fixed or percent else BidIncrement(fixed=1)
        auction = listed(
            start_price=start_price,
            reserve_price=reserve,
            buy_now_price=buy_now_price,
            soft_close=SoftClose(window_seconds=soft[0], extension_seconds=soft[1], max_extension_seconds=soft[2]),
            start_at=START + seconds(5),
            end_at=START + seconds(END_SECONDS),
        )
        self.auction: Auction = auction._replace(terms=auction.terms._replace(increment=increment))
        self.house = NaiveHouse(
            seller=SELLER,
            raise_over=lambda price: max(increment.fixed, (price * percent + 99) // 100),
            start_price=start_price,
            start=5,
            end=END_SECONDS,
            reserve=reserve,
            buy_now_price=buy_now_price,
            window=soft[0],
            extension=soft[1],
            max_extension=soft[2],
        )
        self.now = 0
        self.log: list[Event] = []

    @property
    def at(self) -> datetime:
        """The database's clock."""
        return START + seconds(self.now)

    @rule(count=st.integers(1, 20))
    def wait(self, count: int) -> None:
        """Time passes."""
        self.now += count

    @precondition(lambda self: self.now < self.house.end - 1)
    @rule(left=st.integers(1, 3))
    def wait_for_the_last_moment(self, left: int) -> None:
        """Time passes until just before the end."""
        self.now = max(self.now, self.house.end - left)

    @rule(user=people, over=st.integers(-1, 8), more=st.integers(0, 25))
    def bid(self, user: UserId, over: int, more: int) -> None:
        """Someone bids around the least bid, with or without a maximum."""
        amount = max(1, self.house.least + over)
        self._compare(user, amount, amount + more)

    @precondition(lambda self: bool(self.house.maxima))
    @rule(user=bidders, over=st.integers(0, 3), off=st.integers(-1, 1))
    def bid_up_to_the_leaders_maximum(self, user: UserId, over: int, off: int) -> None:
        """Someone happens on the very maximum of the leader, or just misses it."""
        amount = self.house.least + over
        self._compare(user, amount, max(amount, self.house.maxima[0].maximum + off))

    @precondition(lambda self: bool(self.house.maxima))
    @rule(more=st.integers(0, 30))
    def raise_the_maximum(self, more: int) -> None:
        """The leader raises the maximum, or repeats it."""
        leader = self.auction.leader_id
        assert leader is not None
        self._compare(leader, 1, max(1, self.auction.leader_maximum + more))

    @rule(user=people)
    def buy_now(self, user: UserId) -> None:
        """Someone wants to have it at once."""
        expected = self.house.buy(self.now, user)
        try:
            decision = buy_now(self.auction, self.at, user)
        except BidRefused as refusal:
            self._same(refusal.reason.name, expected)
        else:
            self._same(rows(decision.events), expected)
            self._take(decision)

    @rule(user=st.sampled_from((SELLER, SELLER, BIDDERS[0])))
    def cancel(self, user: UserId) -> None:
        """The seller has second thoughts; another tries, too."""
        expected = self.house.cancel(self.now, user)
        try:
            decision = cancel_item(self.auction, self.at, user)
        except NotTheSeller:
            self._same("NOT_THE_SELLER", expected)
        except ChangeRefused as refusal:
            self._same(refusal.reason.name, expected)
        else:
            self._same("", expected)
            self._take(decision)

    @rule()
    def close(self) -> None:
        """The closer comes along."""
        due = self.house.close(self.now)
        decision = close_due(self.auction, self.at)
        self._same(bool(decision.events), due)
        self._take(decision)

    @invariant()
    def the_house_agrees(self) -> None:
        """Price, leader, maximum, end and outcome are those of the naive house."""
        auction, house = self.auction, self.house
        assert (auction.price, auction.leader_id, auction.bid_count) == (house.price, house.leader, len(house.rows))
        assert auction.leader_maximum == (house.maxima[0].maximum if house.maxima else 0)
        assert auction.minimum_next_bid == house.least
        assert auction.end_at == START + seconds(house.end)
        assert (auction.cancelled_at is not None, auction.closed_at is not None) == (house.cancelled, house.closed)
        assert auction.reserve_met is house.reserve_met
        assert auction.sold is (house.reserve_met and bool(house.maxima))

    @invariant()
    def the_log_tells_the_state(self) -> None:
        """Events are numbered 2, 3, 4 ..., and whoever folds them has the auction."""
        auction, log = self.auction, self.log
        assert [event.seq for event in log] == list(range(2, auction.seq + 1))
        bids = [event for event in log if isinstance(event, BidPlaced)]
        assert rows(log) == self.house.rows
        for earlier, later in pairwise(bids):
            assert earlier.amount < later.amount or (later.automatic and earlier.amount == later.amount)
        if bids:
            last = bids[-1]
            assert (last.user_id, last.amount, last.seq) == (auction.leader_id, auction.price, auction.last_bid_seq)
        assert sum(isinstance(event, AuctionExtended) for event in log) == self.house.extensions
        assert sum(isinstance(event, AuctionCancelled) for event in log) == self.house.cancelled
        assert sum(isinstance(event, AuctionClosed) for event in log) == self.house.closed

    @invariant()
    def the_schema_would_store_it(self) -> None:
        """What the constraints of the tables ask of a row holds of every state and bid."""
        auction = self.auction
        assert (auction.bid_count == 0) is (auction.leader_id is None) is (auction.price == 0)
        assert auction.price == 0 or auction.terms.start_price <= auction.price <= auction.leader_maximum
        assert auction.bid_count <= auction.last_bid_seq <= auction.seq <= auction.revision
        assert auction.cancelled_at is None or (auction.closed_at is None and auction.bid_count == 0)
        assert auction.closed_at is None or auction.closed_at >= auction.end_at
        for event in self.log:
            if isinstance(event, BidPlaced):
                assert 0 < event.bid_count < event.seq
                assert event.amount <= event.maximum
                assert event.amount < event.minimum_next_bid
                assert event.at < event.end_at
                assert event.outbid_user_id != event.user_id != SELLER

    def _compare(self, user: UserId, amount: int, maximum: int) -> None:
        expected = self.house.bid(self.now, user, amount, maximum)
        try:
            decision = place_bid(self.auction, self.at, new_bid(user, amount, maximum))
        except BidRefused as refusal:
            self._same(refusal.reason.name, expected)
        else:
            self._same(rows(decision.events), expected)
            self._take(decision)

    def _take(self, decision: Decision) -> None:
        assert (decision.auction is self.auction) is (decision.auction == self.auction)
        assert decision.auction.revision >= self.auction.revision
        self.auction = decision.auction
        self.log += decision.events

    def _same(self, decided: object, expected: object) -> None:
        assert decided == expected


AuctionMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestAuctionMachine: Any = AuctionMachine.TestCase
