"""Reserves and maxima: no output depends on one that was not reached.

Each test lives the same bids through in two worlds that differ in a secret, and compares all that anyone could see.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gavel.bids.domain.auction import Auction
from gavel.bids.domain.bidding import new_bid
from gavel.bids.domain.decision import RetryKey
from gavel.bids.domain.increments import AMOUNT_MAX
from gavel.bids.domain.listing import Draft
from gavel.bids.domain.refusals import BidRefused
from gavel.bids.domain.texts import Listing
from tests.unit.bids.auctions import ANNA, BELA, END, SELLER, bid, led_by, listed, visible
from tests.unit.bids.histories import Step, Wish, live_through, wishes

# Above whatever the wishes come to: 25 of them raise a price of 1,000 by less than 200 each.
secrets = st.integers(10**6, AMOUNT_MAX)
in_two_worlds = settings(max_examples=60)


def _seen(steps: list[Step]) -> list[object]:
    """All that events, refusals, texts and reprs tell."""
    told: list[object] = []
    for step in steps:
        answer = step.answer
        if isinstance(answer, BidRefused):
            told.append(
                (answer.reason, answer.current_highest_bid, answer.minimum_next_bid, answer.end_at, str(answer))
            )
        else:
            told += [visible(event) for event in answer.events]
            told += [answer.bid_seq, answer.raised_maximum, repr(answer)]
        told += [step.after.reserve_state, step.after.minimum_next_bid, repr(step.after)]
    return told


def _blind(asked: list[Wish]) -> list[Wish]:
    """The wishes, none of which knows the leader's maximum."""
    return [wish._replace(more=wish.more or 0) for wish in asked]


@in_two_worlds
@given(secrets, secrets, wishes)
def test_no_event_and_no_refusal_depends_on_a_maximum_that_was_not_reached(
    maximum: int, other: int, asked: list[Wish]
) -> None:
    one, two = (live_through(led_by(ANNA, 1_000, secret, on=listed()), _blind(asked)) for secret in (maximum, other))
    assert _seen(one) == _seen(two)
    assert one[-1].after.leader_maximum == maximum


@in_two_worlds
@given(secrets, secrets, wishes)
def test_no_event_and_no_refusal_depends_on_a_reserve_that_was_not_reached(
    reserve: int, other: int, asked: list[Wish]
) -> None:
    patient = [wish._replace(buys=False) for wish in _blind(asked)]
    one, two = (
        live_through(listed(reserve_price=secret, buy_now_price=AMOUNT_MAX), patient) for secret in (reserve, other)
    )
    assert _seen(one) == _seen(two)
    assert not one[-1].after.sold


SECRET = 777_777_777_777_777


def _reserved() -> Auction:
    return listed(reserve_price=SECRET)


@pytest.mark.parametrize(
    "holder",
    [
        pytest.param(_reserved(), id="an auction with a reserve"),
        pytest.param(_reserved().terms, id="terms with a reserve"),
        pytest.param(led_by(ANNA, 1_000, SECRET, on=listed()), id="an auction with a maximum"),
        pytest.param(bid(listed(), ANNA, 1_000, SECRET), id="a decision on a maximum"),
        pytest.param(bid(listed(), ANNA, 1_000, SECRET).events[0], id="an event with a maximum"),
        pytest.param(new_bid(ANNA, 1_000, SECRET), id="a bid with a maximum"),
        pytest.param(new_bid(ANNA, SECRET, 0), id="a bid whose amount is the maximum"),
        pytest.param(RetryKey(ANNA, "key", f"bid 1000 up to {SECRET}"), id="a key for a bid with a maximum"),
        pytest.param(
            Draft(seller_id=SELLER, listing=Listing(title="x"), end_at=END, start_price=1_000, reserve_price=SECRET),
            id="a draft with a reserve",
        ),
    ],
)
def test_no_repr_shows_a_secret(holder: object) -> None:
    assert len(repr(holder)) > 20
    assert str(SECRET) not in repr(holder)


def test_a_refusal_shows_no_secret() -> None:
    led = led_by(ANNA, 1_000, SECRET - 1, on=_reserved())
    for user_id, amount in ((ANNA, 1_000), (BELA, 1_050), (SELLER, 5_000)):
        with pytest.raises(BidRefused) as refusal:
            bid(led, user_id, amount)
        assert "77777" not in f"{refusal.value!r} {refusal.value}"
