"""How long the closer leaves an auction alone that can't be closed."""

from gavel.bids.domain.ids import ItemId
from gavel.bids.use_cases.close_due import LEFT_ALONE_AUCTIONS_MAX, LEFT_ALONE_SECONDS_MAX, LeftAlone

ONE, OTHER = ItemId("one"), ItemId("other")


def test_an_auction_is_left_alone_until_its_pause_is_over_and_is_a_suspect_from_then_on() -> None:
    left_alone = LeftAlone()
    pause = left_alone.add(ONE, 10.0)
    assert left_alone.at(10.0) == left_alone.at(10.0 + pause - 0.001) == {ONE}
    assert left_alone.at(10.0 + pause) == frozenset()
    assert left_alone.suspects == {ONE}


def test_each_failure_doubles_the_pause_up_to_a_bound() -> None:
    left_alone = LeftAlone()
    pauses = [left_alone.add(ONE, 0.0) for _ in range(9)]
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert pauses[-2:] == [LEFT_ALONE_SECONDS_MAX] * 2
    assert left_alone.add(OTHER, 0.0) == 1.0


def test_of_more_than_it_holds_the_one_that_failed_longest_ago_is_forgotten() -> None:
    left_alone = LeftAlone()
    for number in range(LEFT_ALONE_AUCTIONS_MAX):
        left_alone.add(ItemId(str(number)), 0.0)
    left_alone.add(ItemId("0"), 0.0)
    left_alone.add(ONE, 0.0)
    assert len(left_alone.suspects) == LEFT_ALONE_AUCTIONS_MAX
    assert ItemId("1") not in left_alone.suspects
    assert {ItemId("0"), ONE} <= left_alone.suspects
