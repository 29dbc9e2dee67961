"""The crowd's decisions over hours of simulated time: lively, within their budgets, and beatable."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from gavel.bids.domain.auction import Auction, ItemId, SoftClose, Status, UserId
from gavel.bids.domain.bidding import new_bid, place_bid
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.events import BidPlaced
from gavel.bids.domain.increments import AMOUNT_MAX
from gavel.bids.domain.listing import Draft, list_item
from gavel.bids.domain.texts import Listing
from gavel.demo.crowd import CROWD, choose_bid, limit_of, worth_of
from gavel.demo.history import HISTORY, past_hour
from gavel.demo.running import PAUSE_SECONDS
from gavel.demo.samples import SAMPLES

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SELLER = UserId("11111111-1111-4111-8111-111111111111")
PERSON = UserId("22222222-2222-4222-8222-222222222222")
PROMISED_SECONDS_MAX = 10


def an_auction(start_price: int, buy_now_price: int = 0, minutes: int = 10, number: int = 1) -> Auction:
    draft = Draft(
        seller_id=SELLER,
        listing=Listing(title="A thing"),
        end_at=NOW + timedelta(minutes=minutes),
        start_price=start_price,
        buy_now_price=buy_now_price,
        soft_close=SoftClose(),
    )
    return list_item(draft, ItemId(f"00000000-0000-4000-8000-{number:012}"), NOW, "USD").auction


def bids_of_the_crowd(auction: Auction, random: Random, until: datetime) -> Iterator[tuple[datetime, Auction]]:
    """The states after each bid of the crowd, at its pace."""
    at = NOW
    while at < until:
        if (chosen := choose_bid([auction], at, random)) is not None:
            auction = place_bid(auction, at, chosen[1]).auction
            yield at, auction
        at += timedelta(seconds=random.uniform(*PAUSE_SECONDS))


@pytest.mark.parametrize(
    ("start_price", "buy_now_price"), [(1, 0), (99, 0), (25_00, 0), (200_00, 600_00), (10_000_00, 0), (AMOUNT_MAX, 0)]
)
@pytest.mark.parametrize("seed", range(5))
def test_the_crowd_never_bids_above_what_an_item_is_worth(start_price: int, buy_now_price: int, seed: int) -> None:
    auction = an_auction(start_price, buy_now_price)
    states = list(bids_of_the_crowd(auction, Random(seed), NOW + timedelta(hours=2)))
    assert states
    last = states[-1][1]
    assert start_price <= last.price <= max(state.leader_maximum for _, state in states) <= worth_of(auction.terms)
    assert worth_of(auction.terms) == min(buy_now_price or 3 * start_price, AMOUNT_MAX)


def test_prices_come_near_what_the_items_are_worth() -> None:
    for seed in range(5):
        auction = an_auction(80_00)
        *_, (_, last) = bids_of_the_crowd(auction, Random(seed), NOW + timedelta(hours=2))
        assert 2 * 80_00 <= last.price <= 3 * 80_00


def test_a_price_moves_within_ten_seconds_for_as_long_as_samples_are_listed_again() -> None:
    random, at = Random(1), NOW
    states = (past.decision.auction for past in past_hour(NOW, "USD", random))
    auctions = {auction.item_id: auction for auction in states}
    moved_at, listed = NOW, 0
    while at < NOW + HISTORY:
        auctions = {each: auction for each, auction in auctions.items() if auction.status_at(at) is Status.ACTIVE}
        on_sale = {auction.terms.start_price for auction in auctions.values()}
        for sample in SAMPLES:
            if sample.start_price not in on_sale:
                listed += 1
                new = list_item(sample.draft(at), ItemId(f"00000000-0000-4000-8000-{listed:012}"), at, "USD").auction
                auctions[new.item_id] = new
        chosen = choose_bid(sorted(auctions.values(), key=lambda auction: auction.end_at), at, random)
        if chosen is not None:
            auctions[chosen[0]] = place_bid(auctions[chosen[0]], at, chosen[1]).auction
            moved_at = at
        at += timedelta(seconds=random.uniform(*PAUSE_SECONDS))
        assert (at - moved_at).total_seconds() <= PROMISED_SECONDS_MAX
    assert listed > len(SAMPLES)


def test_a_person_with_the_highest_maximum_wins() -> None:
    random, auction, at, answered = Random(1), an_auction(25_00), NOW, 0
    auction = place_bid(auction, at, new_bid(PERSON, 25_00, worth_of(auction.terms) + 1_00)).auction
    while not (closing := close_due(auction, at)).events:
        if (chosen := choose_bid([auction], at, random)) is not None:
            auction, answered = place_bid(auction, at, chosen[1]).auction, answered + 1
        at += timedelta(seconds=random.uniform(*PAUSE_SECONDS))
    assert answered > 0
    assert closing.auction.leader_id == PERSON
    assert closing.auction.price <= worth_of(auction.terms) + 1_00


def test_a_person_who_bids_after_the_scheduled_end_wins() -> None:
    auction = an_auction(25_00)
    scheduled = auction.terms.scheduled_end_at
    *_, (at, auction) = bids_of_the_crowd(auction, Random(1), scheduled)
    assert scheduled - at < timedelta(seconds=auction.terms.soft_close.window_seconds)
    assert auction.end_at > scheduled
    auction = place_bid(auction, scheduled, new_bid(PERSON, auction.minimum_next_bid, 0)).auction
    assert choose_bid([auction], scheduled, Random(1)) is None


def test_the_crowd_answers_a_person_first_but_not_only() -> None:
    led = [place_bid(an_auction(25_00, number=1), NOW, new_bid(PERSON, 25_00, 0)).auction]
    others = [an_auction(25_00, number=number) for number in range(2, 22)]
    at, random = NOW + timedelta(minutes=5), Random(1)
    chosen = [choose_bid([*others, *led], at, random) for _ in range(500)]
    answers = sum(each is not None and each[0] == led[0].item_id for each in chosen)
    assert 100 < answers < 300


def test_no_bidder_of_the_crowd_outbids_themselves_or_bids_on_their_own_item() -> None:
    for at, auction in bids_of_the_crowd(an_auction(25_00), Random(3), NOW + timedelta(minutes=10)):
        chosen = choose_bid([auction], at, Random(at.microsecond))
        assert chosen is None or chosen[1].user_id != auction.leader_id
    of_the_crowd = an_auction(25_00)
    of_the_crowd = of_the_crowd._replace(terms=of_the_crowd.terms._replace(seller_id=CROWD[0]))
    late = NOW + timedelta(minutes=9)
    bidders = {chosen[1].user_id for seed in range(500) if (chosen := choose_bid([of_the_crowd], late, Random(seed)))}
    assert bidders == set(CROWD[1:])


def test_a_limit_rises_until_the_scheduled_end_and_is_the_same_whenever_it_is_asked_for() -> None:
    auction = an_auction(25_00)
    times = [NOW + timedelta(minutes=minute) for minute in range(-1, 12)]
    for user_id in CROWD:
        limits = [limit_of(user_id, auction, at) for at in times]
        assert limits == sorted(limits) == [limit_of(user_id, auction, at) for at in times]
        assert limits[0] == 25_00 < limits[-2] == limits[-1] <= worth_of(auction.terms)


def test_the_past_hour_is_in_order_and_ends_with_every_sample_on_sale() -> None:
    past = list(past_hour(NOW, "USD", Random(1)))
    times = [each.decision.at for each in past]
    assert times == sorted(times)
    assert NOW - HISTORY <= times[0] <= times[-1] < NOW
    last = {each.decision.auction.item_id: each.decision.auction for each in past}
    on_sale = [auction for auction in last.values() if auction.closed_at is None]
    # One that ended at the last moment is listed again by the running demo.
    assert len(SAMPLES) - 1 <= len(on_sale) <= len(SAMPLES) == 12
    assert sum(auction.end_at - NOW < timedelta(minutes=12) for auction in on_sale) >= 2
    assert sum(auction.sold for auction in last.values() if auction.closed_at) > 5
    bidders = {event.user_id for each in past for event in each.decision.events if isinstance(event, BidPlaced)}
    assert bidders == set(CROWD)
    assert all(auction.price <= worth_of(auction.terms) for auction in last.values())
