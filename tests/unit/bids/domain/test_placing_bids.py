"""Placing a bid: the order of the checks, the least bid, and the clock."""

from datetime import datetime
from itertools import combinations

import pytest

from gavel.bids.domain.auction import Auction, UserId
from gavel.bids.domain.bidding import NewBid, new_bid, place_bid, refuse_early
from gavel.bids.domain.increments import AMOUNT_MAX
from gavel.bids.domain.refusals import BidRefusal, BidRefused, InvalidInput
from tests.unit.bids.auctions import (
    ANNA,
    BELA,
    END,
    MICROSECOND,
    MIDWAY,
    SELLER,
    START,
    Row,
    bid,
    cancelled,
    led_by,
    listed,
    rows,
    seconds,
)

ORDER = (
    BidRefusal.SELLER,
    BidRefusal.CANCELLED,
    BidRefusal.ENDED,
    BidRefusal.NOT_STARTED,
    BidRefusal.ALREADY_LEADING,
    BidRefusal.TOO_LOW,
)
# An auction can't have ended before it started.
IMPOSSIBLE = {(BidRefusal.ENDED, BidRefusal.NOT_STARTED)}


def _refusal(auction: Auction, user_id: UserId, amount: int, maximum: int = 0, *, at: datetime = MIDWAY) -> BidRefused:
    with pytest.raises(BidRefused) as raised:
        bid(auction, user_id, amount, maximum, at=at)
    return raised.value


def _situation(reasons: set[BidRefusal]) -> tuple[Auction, datetime, NewBid]:
    """An auction, a time and a bid against which all of these reasons speak at once."""
    user_id = SELLER if BidRefusal.SELLER in reasons else ANNA
    leader_id = user_id if BidRefusal.ALREADY_LEADING in reasons else BELA
    auction = listed()._replace(
        price=2_000, minimum_next_bid=2_100, leader_id=leader_id, leader_maximum=3_000, bid_count=1, last_bid_seq=2
    )
    if BidRefusal.CANCELLED in reasons:
        auction = cancelled(auction)
    at = END if BidRefusal.ENDED in reasons else START - MICROSECOND if BidRefusal.NOT_STARTED in reasons else MIDWAY
    return auction, at, new_bid(user_id, 2_099 if BidRefusal.TOO_LOW in reasons else 2_100, 0)


@pytest.mark.parametrize("reason", ORDER)
def test_each_reason_alone_refuses_a_bid(reason: BidRefusal) -> None:
    with pytest.raises(BidRefused) as refusal:
        place_bid(*_situation({reason}))
    assert refusal.value.reason is reason


@pytest.mark.parametrize(("told", "untold"), [pair for pair in combinations(ORDER, 2) if pair not in IMPOSSIBLE])
def test_of_two_reasons_the_one_that_comes_first_in_the_order_is_given(told: BidRefusal, untold: BidRefusal) -> None:
    with pytest.raises(BidRefused) as refusal:
        place_bid(*_situation({told, untold}))
    assert refusal.value.reason is told


def test_without_a_reason_the_bid_is_accepted() -> None:
    assert place_bid(*_situation(set())).auction.leader_id == BELA


def test_a_refusal_carries_the_state_it_was_refused_on() -> None:
    refusal = _refusal(led_by(ANNA, 1_000, on=listed()), BELA, 1_099)
    assert (refusal.current_highest_bid, refusal.minimum_next_bid) == (1_000, 1_100)
    assert (refusal.end_at, refusal.at) == (END, MIDWAY)
    assert str(refusal) == "the bid is below the least bid: bid at least 1100"


@pytest.mark.parametrize(
    ("amount", "accepted"),
    [(1, False), (999, False), (1_000, True), (1_001, True), (AMOUNT_MAX, True)],
)
def test_the_first_bid_meets_the_start_price(amount: int, accepted: bool) -> None:
    if not accepted:
        assert _refusal(listed(), ANNA, amount).reason is BidRefusal.TOO_LOW
    else:
        assert bid(listed(), ANNA, amount).auction.price == amount


@pytest.mark.parametrize(("amount", "accepted"), [(1_000, False), (1_099, False), (1_100, True), (1_537, True)])
def test_a_later_bid_meets_the_price_plus_the_increment(amount: int, accepted: bool) -> None:
    led = led_by(ANNA, 1_000, on=listed())
    if not accepted:
        assert _refusal(led, BELA, amount).reason is BidRefusal.TOO_LOW
    else:
        assert bid(led, BELA, amount).auction.price == amount


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (START - MICROSECOND, BidRefusal.NOT_STARTED),
        (START, None),
        (END - MICROSECOND, None),
        (END, BidRefusal.ENDED),
        (END + seconds(1), BidRefusal.ENDED),
    ],
)
def test_the_clock_admits_bids_from_the_start_until_just_before_the_end(
    at: datetime, reason: BidRefusal | None
) -> None:
    if reason is not None:
        assert _refusal(listed(), ANNA, 1_000, at=at).reason is reason
    else:
        assert bid(listed(), ANNA, 1_000, at=at).auction.leader_id == ANNA


def test_no_bid_is_accepted_after_a_close_even_if_the_clock_is_set_back() -> None:
    closed = listed()._replace(closed_at=END, end_at=END)
    assert _refusal(closed, ANNA, 1_000, at=MIDWAY).reason is BidRefusal.ENDED


def test_the_answer_shows_the_callers_own_bid() -> None:
    decision = bid(led_by(ANNA, 1_000, 5_000, on=listed()), BELA, 2_000)
    [shown] = [event for event in decision.events if event.seq == decision.bid_seq]
    assert rows([shown]) == [Row(BELA, 2_000, automatic=False)]


def test_a_bid_names_whom_it_outbid_and_has_the_state_right_after_it() -> None:
    first, second = (e for e in bid(led_by(ANNA, 1_000, 5_000, on=listed()), BELA, 2_000).events)
    assert (first.seq, second.seq) == (3, 4)
    told = [(e.outbid_user_id, e.bid_count, e.minimum_next_bid, e.end_at) for e in (first, second)]  # type: ignore[union-attr]
    assert told == [(ANNA, 2, 2_100, END), (BELA, 3, 2_200, END)]


class TestTheLeader:
    def test_may_raise_the_maximum_without_moving_the_price(self) -> None:
        led = led_by(ANNA, 1_000, 2_000, on=listed())
        decision = bid(led, ANNA, 1_000, 2_001)
        assert decision.events == ()
        assert decision.raised_maximum
        assert decision.auction == led._replace(leader_maximum=2_001, revision=led.revision + 1)

    def test_is_answered_with_the_standing_bid(self) -> None:
        led = led_by(BELA, 1_500, on=led_by(ANNA, 1_000, 2_000, on=listed()))
        assert led.leader_id == ANNA
        assert bid(led, ANNA, 1, 3_000).bid_seq == led.last_bid_seq == led.seq

    @pytest.mark.parametrize("amount", [1, 999, 1_000, 2_001])
    def test_may_name_any_amount_with_a_higher_maximum(self, amount: int) -> None:
        led = led_by(ANNA, 1_000, 2_000, on=listed())
        assert bid(led, ANNA, amount, 2_001).auction.price == 1_000

    def test_raises_the_maximum_by_a_plain_bid_above_it(self) -> None:
        assert bid(led_by(ANNA, 1_000, on=listed()), ANNA, 1_500).auction.leader_maximum == 1_500

    @pytest.mark.parametrize(("amount", "maximum"), [(1_000, 1_999), (1_000, 2_000), (2_000, 0), (1_100, 0)])
    def test_may_not_lower_or_repeat_the_maximum(self, amount: int, maximum: int) -> None:
        led = led_by(ANNA, 1_000, 2_000, on=listed())
        assert _refusal(led, ANNA, amount, maximum).reason is BidRefusal.ALREADY_LEADING


class TestAtTheTopOfTheAmounts:
    def test_a_bid_of_the_largest_amount_is_accepted_and_leaves_no_next_bid(self) -> None:
        led = led_by(ANNA, AMOUNT_MAX, on=listed())
        assert led.minimum_next_bid == AMOUNT_MAX + 100
        assert _refusal(led, BELA, AMOUNT_MAX).reason is BidRefusal.TOO_LOW

    def test_a_proxy_never_answers_above_the_largest_amount(self) -> None:
        led = led_by(ANNA, 1_000, AMOUNT_MAX, on=listed())
        decision = bid(led, BELA, AMOUNT_MAX - 1)
        assert rows(decision.events)[-1] == Row(ANNA, AMOUNT_MAX, automatic=True)

    def test_equal_largest_maxima_are_the_earlier_ones(self) -> None:
        led = led_by(BELA, 2_000, AMOUNT_MAX, on=led_by(ANNA, 1_000, AMOUNT_MAX, on=listed()))
        assert (led.leader_id, led.price, led.leader_maximum) == (ANNA, AMOUNT_MAX, AMOUNT_MAX)


@pytest.mark.parametrize(
    ("amount", "max_amount", "field"),
    [
        (0, 0, "amount"),
        (-1, 0, "amount"),
        (AMOUNT_MAX + 1, 0, "amount"),
        (2**63, 0, "amount"),
        (100, 99, "max_amount"),
        (100, -1, "max_amount"),
        (100, AMOUNT_MAX + 1, "max_amount"),
    ],
)
def test_what_no_auction_could_accept_is_invalid_input(amount: int, max_amount: int, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        new_bid(ANNA, amount, max_amount)
    assert refusal.value.field == field


@pytest.mark.parametrize(("max_amount", "maximum"), [(0, 100), (100, 100), (101, 101), (AMOUNT_MAX, AMOUNT_MAX)])
def test_a_bid_without_a_maximum_has_its_amount_as_the_maximum(max_amount: int, maximum: int) -> None:
    assert new_bid(ANNA, 100, max_amount).maximum == maximum


@pytest.mark.parametrize("price", [AMOUNT_MAX - 100, AMOUNT_MAX - 99, AMOUNT_MAX])
def test_a_refusal_never_advises_an_amount_that_no_bid_may_have(price: int) -> None:
    led = led_by(BELA, price, on=listed())
    least = led.minimum_next_bid if led.minimum_next_bid <= AMOUNT_MAX else 0
    for refuse in (lambda: bid(led, ANNA, price), lambda: refuse_early(led, MIDWAY, new_bid(ANNA, price, 0))):
        with pytest.raises(BidRefused) as refusal:
            refuse()
        assert (refusal.value.reason, refusal.value.minimum_next_bid) == (BidRefusal.TOO_LOW, least)
        assert (str(led.minimum_next_bid) in str(refusal.value)) == (least > 0)
