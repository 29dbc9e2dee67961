"""What the statistics must say: the sums over a user's bids, wins and sales, and each wrong one is found."""

from dataclasses import fields, replace

import pytest

from gavel.contracts.userstats.v1.user_stats_service_pb import UserStats
from gavel_tools.bidders.checks import Totals, stats_differences, totals_by_bidder
from tests.unit.bidders.books import Books


def test_totals_are_the_sums_over_a_bidders_rows_on_all_items() -> None:
    books = Books()
    books.end(sold=True, winner_id="bob", amount=400)
    books.item.seller_id = "sue"
    on_one = totals_by_bidder(books.item, books.rows)
    assert on_one == {
        "sue": Totals(items_sold=1, amount_sold=400),
        "ann": Totals(total_bids=2, total_amount=350, highest_bid=250, items_bid_on=1),
        "bob": BOB,
    }
    assert BOB.plus(BOB) == Totals(4, 1_200, 400, 2, 2, 800)


BOB = Totals(total_bids=2, total_amount=600, highest_bid=400, items_bid_on=1, items_won=1, amount_won=400)


def stats_of_bob() -> UserStats:
    return UserStats(
        user_id="bob",
        total_bids=2,
        total_amount=600,
        highest_bid=400,
        items_bid_on=1,
        items_won=1,
        amount_won=400,
    )


def test_statistics_that_are_the_sums_agree() -> None:
    assert stats_differences("bob", BOB, stats_of_bob()) == []
    assert stats_differences("eve", Totals(), UserStats()) == []


@pytest.mark.parametrize("name", [field.name for field in fields(Totals)])
def test_a_wrong_sum_is_found(name: str) -> None:
    made = getattr(BOB, name)
    expected = replace(BOB, **{name: made + 1})
    assert stats_differences("bob", expected, stats_of_bob()) == [
        f"bidder bob: {name} is {made}, the bids make {made + 1}"
    ]
