"""What events add to a user's totals, in whatever order they come."""

from collections import defaultdict
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gavel.userstats.domain.events import BidPlaced, Event, ItemSold, NothingToCount
from gavel.userstats.domain.ids import EventId, ItemId, UserId
from gavel.userstats.domain.user_stats import UserChange, fold
from tests.unit.userstats.messages import ANNA, BELA, CHAIR, LAMP, NOON, SELLER, VASE, after, event_id

USERS = st.sampled_from([ANNA, BELA, SELLER])
ITEMS = st.sampled_from([VASE, LAMP, CHAIR])
AMOUNTS = st.integers(1, 10**15)
TIMES = st.integers(0, 10_000).map(lambda millis: NOON + timedelta(milliseconds=millis))


def an_id(number: int) -> EventId:
    return EventId(event_id(VASE, number, NOON))


def _bid(number: int, user_id: UserId, item_id: ItemId, amount: int, seconds: float = 0) -> BidPlaced:
    return BidPlaced(an_id(number), after(seconds), item_id, user_id, amount)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events with ids of their own."""
    kinds = st.one_of(
        st.builds(BidPlaced, st.just(an_id(0)), TIMES, ITEMS, USERS, AMOUNTS),
        st.builds(ItemSold, st.just(an_id(0)), TIMES, ITEMS, USERS, USERS, AMOUNTS),
        st.builds(NothingToCount, st.just(an_id(0)), TIMES),
    )
    return draw(st.lists(kinds, max_size=30))


def _by_hand(events: list[Event]) -> dict[UserId, UserChange]:
    """The totals as one would count them on paper: a user at a time, all of the user's events laid out."""
    bids: defaultdict[UserId, list[BidPlaced]] = defaultdict(list)
    won: defaultdict[UserId, list[ItemSold]] = defaultdict(list)
    sold: defaultdict[UserId, list[ItemSold]] = defaultdict(list)
    for event in events:
        if isinstance(event, BidPlaced):
            bids[event.user_id].append(event)
        elif isinstance(event, ItemSold):
            won[event.winner_id].append(event)
            sold[event.seller_id].append(event)
    return {
        user: UserChange(
            last_updated_at=max(event.at for event in (*bids[user], *won[user], *sold[user])),
            total_bids=len(bids[user]),
            total_amount=sum(bid.amount for bid in bids[user]),
            last_bid_at=max((bid.at for bid in bids[user]), default=None),
            highest_bid=max((bid.amount for bid in bids[user]), default=0),
            items_won=len(won[user]),
            amount_won=sum(sale.amount for sale in won[user]),
            items_sold=len(sold[user]),
            amount_sold=sum(sale.amount for sale in sold[user]),
            bid_items={bid.item_id for bid in bids[user]},
        )
        for user in {*bids, *won, *sold}
    }


@given(histories(), st.randoms(use_true_random=False))
def test_any_order_gives_the_totals_counted_by_hand(events: list[Event], random: st.DataObject) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fold(shuffled) == fold(events) == _by_hand(events)


def test_automatic_and_repeated_bids_all_count_and_the_items_are_distinct() -> None:
    change = fold([_bid(1, ANNA, VASE, 500), _bid(2, ANNA, VASE, 900), _bid(3, ANNA, LAMP, 700)])[ANNA]
    assert (change.total_bids, change.total_amount, change.highest_bid) == (3, 2_100, 900)
    assert change.bid_items == {VASE, LAMP}


def test_the_last_bid_is_the_newest_and_not_the_last_to_arrive() -> None:
    change = fold([_bid(1, ANNA, VASE, 500, seconds=9), _bid(2, ANNA, VASE, 400, seconds=3)])[ANNA]
    assert change.last_bid_at == change.last_updated_at == after(9)


def test_a_sale_counts_for_the_winner_and_for_the_seller() -> None:
    changes = fold([ItemSold(an_id(1), after(5), VASE, SELLER, ANNA, 1_200)])
    assert (changes[ANNA].items_won, changes[ANNA].amount_won, changes[ANNA].items_sold) == (1, 1_200, 0)
    assert (changes[SELLER].items_sold, changes[SELLER].amount_sold, changes[SELLER].items_won) == (1, 1_200, 0)
    assert changes[SELLER].last_bid_at is None
    assert changes[SELLER].last_updated_at == after(5)


def test_an_event_with_nothing_to_count_makes_no_user_known() -> None:
    assert fold([NothingToCount(an_id(1), NOON)]) == {}
