"""How long the closer leaves an auction alone that can't be closed."""

from gavel.bids.domain.auction import ItemId
from gavel.bids.use_cases.close_due import DEFER_SECONDS_MAX, DEFERRED_AUCTIONS_MAX, Deferred

ONE, OTHER = ItemId("one"), ItemId("other")


def test_an_auction_is_left_alone_until_its_pause_is_over_and_is_a_suspect_from_then_on() -> None:
    deferred = Deferred()
    pause = deferred.add(ONE, 10.0)
    assert deferred.at(10.0) == deferred.at(10.0 + pause - 0.001) == {ONE}
    assert deferred.at(10.0 + pause) == frozenset()
    assert deferred.suspects == {ONE}


def test_each_failure_doubles_the_pause_up_to_a_bound() -> None:
    deferred = Deferred()
    pauses = [deferred.add(ONE, 0.0) for _ in range(9)]
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert pauses[-2:] == [DEFER_SECONDS_MAX] * 2
    assert deferred.add(OTHER, 0.0) == 1.0


def test_of_more_than_it_holds_the_one_that_failed_longest_ago_is_forgotten() -> None:
    deferred = Deferred()
    for number in range(DEFERRED_AUCTIONS_MAX):
        deferred.add(ItemId(str(number)), 0.0)
    deferred.add(ItemId("0"), 0.0)
    deferred.add(ONE, 0.0)
    assert len(deferred.suspects) == DEFERRED_AUCTIONS_MAX
    assert ItemId("1") not in deferred.suspects
    assert {ItemId("0"), ONE} <= deferred.suspects
