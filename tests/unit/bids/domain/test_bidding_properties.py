"""What holds of every auction, whatever is bid on it."""

from contextlib import suppress
from copy import deepcopy
from itertools import pairwise

from hypothesis import given, settings

from gavel.bids.domain.auction import UserId, extended_end, least_bid
from gavel.bids.domain.bidding import new_bid, refuse_early
from gavel.bids.domain.events import AuctionClosed, AuctionExtended, BidPlaced
from gavel.bids.domain.increments import AMOUNT_MAX
from gavel.bids.domain.refusals import BidRefused
from tests.unit.bids.auctions import seconds
from tests.unit.bids.histories import Step, histories

every_history = settings(max_examples=60)


def _events(steps: list[Step]) -> list[object]:
    return [event for step in steps for event in step.events]


def _bids(steps: list[Step]) -> list[BidPlaced]:
    return [event for event in _events(steps) if isinstance(event, BidPlaced)]


@every_history
@given(histories)
def test_the_price_never_falls(steps: list[Step]) -> None:
    assert all(step.before.price <= step.after.price for step in steps)
    assert all(step.before.minimum_next_bid <= step.after.minimum_next_bid for step in steps)


@every_history
@given(histories)
def test_an_accepted_bid_meets_the_minimum_that_was_in_force(steps: list[Step]) -> None:
    for step in steps:
        if step.events and isinstance(step.events[0], BidPlaced) and not step.events[0].automatic and not step.buys:
            assert step.events[0].amount == step.amount >= step.before.minimum_next_bid


@every_history
@given(histories)
def test_the_least_bid_in_the_state_is_that_of_its_terms_and_price(steps: list[Step]) -> None:
    for step in steps:
        assert step.after.minimum_next_bid == least_bid(step.after.terms, step.after.price)


@every_history
@given(histories)
def test_an_accepted_bid_came_before_the_end_and_after_the_start(steps: list[Step]) -> None:
    for step in steps:
        for event in step.events:
            if isinstance(event, BidPlaced):
                assert step.before.terms.start_at <= event.at < step.before.end_at == event.end_at


@every_history
@given(histories)
def test_a_refusal_changes_nothing(steps: list[Step]) -> None:
    for step in steps:
        if isinstance(step.answer, BidRefused):
            untouched = deepcopy(step.before)
            assert step.ask_again() is step.answer.reason
            assert step.before == untouched


@every_history
@given(histories)
def test_a_refusal_has_the_state_that_it_was_refused_on(steps: list[Step]) -> None:
    for step in steps:
        if isinstance(step.answer, BidRefused):
            assert step.answer.current_highest_bid == step.before.price
            least = step.before.minimum_next_bid
            assert step.answer.minimum_next_bid == (least if least <= AMOUNT_MAX else 0)
            assert (step.answer.end_at, step.answer.at) == (step.before.end_at, step.at)


@every_history
@given(histories)
def test_seq_counts_the_events_without_a_gap(steps: list[Step]) -> None:
    seqs = [event.seq for step in steps for event in step.events]
    assert seqs == list(range(2, len(seqs) + 2))
    assert steps[-1].after.seq == len(seqs) + 1


@every_history
@given(histories)
def test_every_change_raises_the_revision_and_nothing_else_does(steps: list[Step]) -> None:
    for step in steps:
        assert (step.after.revision > step.before.revision) is (step.after != step.before)
        assert step.after.revision >= step.after.seq


@every_history
@given(histories)
def test_amounts_rise_with_seq_but_for_an_automatic_bid_that_equals_the_one_before(steps: list[Step]) -> None:
    for earlier, later in pairwise(_bids(steps)):
        assert earlier.amount < later.amount or (later.automatic and earlier.amount == later.amount)


@every_history
@given(histories)
def test_the_last_bids_bidder_leads_at_its_amount(steps: list[Step]) -> None:
    for step in steps:
        placed = [event for event in step.events if isinstance(event, BidPlaced)]
        if placed:
            last, after = placed[-1], step.after
            assert (last.user_id, last.amount, last.seq) == (after.leader_id, after.price, after.last_bid_seq)
            assert last.bid_count == after.bid_count
        else:
            assert step.before.leader_id == step.after.leader_id
            assert step.before.price == step.after.price


@every_history
@given(histories)
def test_the_leader_has_the_highest_maximum_of_all_that_were_accepted(steps: list[Step]) -> None:
    promised = dict[UserId, int]()
    for step in steps:
        if not isinstance(step.answer, BidRefused) and step.maximum:
            promised[step.user_id] = step.maximum
        after = step.after
        if after.leader_id is not None:
            assert after.leader_maximum == promised[after.leader_id] == max(promised.values())


@every_history
@given(histories)
def test_no_bidder_pays_or_is_shown_at_more_than_their_maximum(steps: list[Step]) -> None:
    promised = dict[UserId, int]()
    for step in steps:
        promised[step.user_id] = max(step.maximum, promised.get(step.user_id, 0))
        for event in step.events:
            if isinstance(event, BidPlaced):
                assert event.amount <= event.maximum <= promised[event.user_id]
            if isinstance(event, AuctionClosed) and event.winner_id is not None:
                assert event.amount <= promised[event.winner_id]


@every_history
@given(histories)
def test_the_callers_own_bid_is_the_first_event_and_the_one_to_answer_with(steps: list[Step]) -> None:
    for step in steps:
        if isinstance(step.answer, BidRefused) or not step.amount:
            continue
        if step.events:
            first = step.events[0]
            assert isinstance(first, BidPlaced)
            assert (first.user_id, first.seq) == (step.user_id, step.answer.bid_seq)
        else:
            assert step.answer.bid_seq == step.before.last_bid_seq
            assert step.answer.raised_maximum


@every_history
@given(histories)
def test_every_bid_names_the_bidder_that_it_outbid(steps: list[Step]) -> None:
    leaders = [bid.user_id for bid in _bids(steps)]
    for before, bid in zip([None, *leaders], _bids(steps), strict=False):
        assert bid.outbid_user_id == (before if before != bid.user_id else None)


@every_history
@given(histories)
def test_bids_are_counted_one_by_one(steps: list[Step]) -> None:
    assert [bid.bid_count for bid in _bids(steps)] == list(range(1, len(_bids(steps)) + 1))


@every_history
@given(histories)
def test_the_end_moves_only_by_accepted_bids_never_back_and_within_its_bound(steps: list[Step]) -> None:
    rule = steps[0].before.terms.soft_close
    latest = steps[0].before.terms.scheduled_end_at + seconds(rule.max_extension_seconds)
    for step in steps:
        if step.after.closed_at is not None:
            continue
        extended = [event.end_at for event in step.events if isinstance(event, AuctionExtended)]
        assert step.before.end_at <= step.after.end_at <= latest
        assert extended == ([step.after.end_at] if step.after.end_at != step.before.end_at else [])
        if any(isinstance(event, BidPlaced) for event in step.events):
            assert step.after.end_at == extended_end(step.before, step.at)


@every_history
@given(histories)
def test_a_reserve_is_met_as_soon_as_the_leaders_maximum_reaches_it(steps: list[Step]) -> None:
    for step in steps:
        if step.after.leader_id is not None:
            assert step.after.reserve_met is (step.after.leader_maximum >= step.after.terms.reserve_price)


@every_history
@given(histories)
def test_an_auction_closes_once_with_its_leader_as_the_winner_or_unsold(steps: list[Step]) -> None:
    [close] = [event for event in _events(steps) if isinstance(event, AuctionClosed)]
    after = steps[-1].after
    assert close.sold is (after.leader_id is not None and after.price >= after.terms.reserve_price)
    assert (close.winner_id, close.amount) == ((after.leader_id, after.price) if close.sold else (None, 0))
    assert close == _events(steps)[-1]


@every_history
@given(histories)
def test_amounts_stay_within_the_bounds_of_money(steps: list[Step]) -> None:
    for bid in _bids(steps):
        assert 1 <= bid.amount <= bid.maximum <= AMOUNT_MAX
        assert bid.amount < bid.minimum_next_bid < 2**63


@every_history
@given(histories)
def test_whatever_is_refused_early_would_be_refused_at_any_later_time(steps: list[Step]) -> None:
    for number, later in enumerate(steps):
        if later.maximum == later.amount != 0 and not later.buys:
            for seen in steps[: number + 1]:
                with suppress(BidRefused):
                    refuse_early(seen.before, later.at, new_bid(later.user_id, later.amount, 0))
                    continue
                assert isinstance(later.answer, BidRefused)
