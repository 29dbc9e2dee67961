"""The mixed load: a quarter of it on one item, and what its answers amount to."""

from collections import Counter

import pytest

from gavel_tools.bench.cases.mixed import BIDDERS, HOT_EVERY, QUIET_ITEMS, Answers, figures_of, item_of

QUIET = [f"quiet-{number}" for number in range(QUIET_ITEMS)]


def test_a_quarter_of_the_bids_is_on_the_hot_item_and_the_others_are_even_on_the_quiet_ones() -> None:
    items = Counter(item_of(number, "hot", QUIET) for number in range(4_000))
    assert items.pop("hot") == 1_000
    assert set(items) == set(QUIET)
    assert set(items.values()) == {6}


@pytest.mark.parametrize("bid_apis", [1, 3])
def test_each_bid_api_gets_its_share_of_the_hot_bids(bid_apis: int) -> None:
    hot = Counter(number % bid_apis for number in range(1_200) if item_of(number, "hot", QUIET) == "hot")
    assert set(hot.values()) == {300 / bid_apis}


def test_an_items_next_bid_comes_from_another_bidder() -> None:
    last: dict[str, int] = {}
    for number in range(4 * QUIET_ITEMS * HOT_EVERY):
        item, bidder = item_of(number, "hot", QUIET), number % BIDDERS
        assert last.get(item) != bidder
        last[item] = bidder


def test_the_quiet_items_p99_with_three_is_a_multiple_of_that_with_one() -> None:
    one = Answers(quiet_ms=[float(number) for number in range(1, 101)], hot_ms=[5.0], refused=1, per_s=600)
    three = Answers(quiet_ms=[2.0 * number for number in range(1, 101)], hot_ms=[7.0], refused=9, per_s=570)
    figures = figures_of(one, three)
    assert figures["quiet_p99_times"] == 2
    assert (figures["quiet_p50_ms_one"], figures["quiet_p99_ms_one"]) == (50, 99)
    assert (figures["quiet_p50_ms_three"], figures["quiet_p99_ms_three"]) == (100, 198)
    assert (figures["hot_p99_ms_three"], figures["refused_three"], figures["kept_percent_three"]) == (7, 9, 95)
