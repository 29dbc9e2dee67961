"""Events as watchers are told them: with the state after each, and nothing hidden."""

from gavel.bids.domain.auction import SoftClose
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.changing import cancel_item
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.feed_events import FeedEvent, FeedKind, feed_events
from tests.unit.bids.auctions import ANNA, BELA, END, SELLER, START, bid, listed, seconds

SOFT = SoftClose(window_seconds=60, extension_seconds=60)


def test_each_bid_of_a_proxy_war_has_the_state_right_after_itself() -> None:
    auction = bid(listed(), ANNA, 1_000, 5_000).auction
    decision = bid(auction, BELA, 2_000)
    own, answer = feed_events(decision.events, decision.auction)
    assert (own.leader_id, own.price, own.minimum_next_bid, own.bid_count, own.automatic) == (
        BELA,
        2_000,
        2_100,
        2,
        False,
    )
    assert (answer.leader_id, answer.price, answer.bid_count, answer.automatic) == (ANNA, 2_100, 3, True)
    assert [own.seq, answer.seq] == [3, 4]


def test_an_extension_has_the_state_of_the_bid_before_it_also_where_others_follow_in_the_same_commit() -> None:
    late = END - seconds(10)
    first = bid(listed(soft_close=SOFT), ANNA, 1_000, at=late)
    second = bid(first.auction, BELA, 3_000, at=late)
    told = feed_events([*first.events, *second.events], second.auction)
    extended = told[1]
    assert (extended.kind, extended.leader_id, extended.price) == (FeedKind.EXTENDED, ANNA, 1_000)
    assert extended.end_at == late + seconds(60)
    assert told[0].end_at == END


def test_a_close_has_the_buyer_and_the_price() -> None:
    auction = bid(listed(), ANNA, 1_500).auction
    decision = close_due(auction, END)
    [told] = feed_events(decision.events, decision.auction)
    assert (told.kind, told.sold, told.leader_id, told.price, told.at) == (FeedKind.CLOSED, True, ANNA, 1_500, END)


def test_an_auction_below_its_reserve_is_sent_as_unsold() -> None:
    auction = bid(listed(reserve_price=9_000), ANNA, 1_500).auction
    decision = close_due(auction, END)
    [told] = feed_events(decision.events, decision.auction)
    assert (told.kind, told.sold) == (FeedKind.CLOSED, False)


def test_buying_now_is_a_bid_and_a_close() -> None:
    at = START + seconds(1)
    decision = buy_now(listed(buy_now_price=5_000), at, BELA)
    bought, closed = feed_events(decision.events, decision.auction)
    assert (bought.kind, bought.price, bought.leader_id) == (FeedKind.BID_PLACED, 5_000, BELA)
    assert (closed.kind, closed.sold, closed.price, closed.end_at) == (FeedKind.CLOSED, True, 5_000, at)


def test_a_cancelled_auction_is_sent_as_cancelled() -> None:
    decision = cancel_item(listed(), START, SELLER)
    [told] = feed_events(decision.events, decision.auction)
    assert (told.kind, told.seq, told.leader_id, told.bid_count) == (FeedKind.CANCELLED, 2, None, 0)


def test_an_event_of_the_feed_has_no_place_for_what_is_hidden() -> None:
    assert not set(FeedEvent._fields) & {"maximum", "reserve_price", "leader_maximum"}
