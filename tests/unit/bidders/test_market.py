"""What bidders see of an item: the newest state that any of them got, and never an older one over it."""

from random import Random

from protobuf.wkt.google.protobuf.timestamp_pb import Timestamp

from gavel.bids.domain.increments import AMOUNT_MAX
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel_tools.bidders.market import ItemOnSale, Market

Reason = pb.BidRejected.Reason
NOW = 50.0


def on_sale(**fields: int) -> ItemOnSale:
    item = pb.Item(
        id="sextant",
        status=pb.ItemStatus.ACTIVE,
        current_highest_bid=fields.get("price", 1_000),
        minimum_next_bid=fields.get("minimum", 1_050),
        highest_bidder_id="ann",
        end_at=Timestamp(seconds=1_030, nanos=500_000_000),
        buy_now_price=9_000,
        buy_now_available=True,
    )
    return ItemOnSale.of(item, Timestamp(seconds=1_000), NOW)


def answer(price: int, minimum: int, *, leading: bool = True, left_seconds: int = 30) -> pb.PlaceBidResponse:
    return pb.PlaceBidResponse(
        current_highest_bid=price,
        minimum_next_bid=minimum,
        leading=leading,
        end_at=Timestamp(seconds=2_000 + left_seconds),
        server_time=Timestamp(seconds=2_000),
    )


def refusal(reason: pb.BidRejected.Reason, price: int = 1_000, minimum: int = 1_050) -> pb.BidRejected:
    return pb.BidRejected(reason=reason, current_highest_bid=price, minimum_next_bid=minimum)


def test_the_end_is_by_the_servers_clock() -> None:
    item = on_sale()
    assert item.ends_at == NOW + 30.5
    assert item.sight("bob", NOW + 10, run_ends_at=NOW + 60).seconds_left == 20.5
    assert item.sight("bob", NOW + 10, run_ends_at=NOW + 30).seconds_left == float("inf")


def test_an_accepted_bid_moves_price_leader_and_end() -> None:
    item = on_sale()
    item.accepted(answer(1_200, 1_250, left_seconds=60), "bob", NOW + 5)
    assert (item.price, item.minimum_next_bid, item.leader_id, item.ends_at) == (1_200, 1_250, "bob", NOW + 65)
    item.accepted(answer(1_400, 1_450, leading=False), "cyd", NOW + 5)
    assert (item.price, item.leader_id) == (1_400, "")


def test_an_answer_that_was_overtaken_changes_nothing() -> None:
    item = on_sale()
    item.accepted(answer(1_400, 1_450), "bob", NOW)
    item.accepted(answer(1_200, 1_250), "cyd", NOW)
    assert (item.price, item.minimum_next_bid, item.leader_id) == (1_400, 1_450, "bob")


def test_a_refusal_has_the_next_possible_bid() -> None:
    item = on_sale()
    item.refused(refusal(Reason.TOO_LOW, 1_500, 1_550), "bob", NOW)
    sight = item.sight("bob", NOW, NOW)
    assert (sight.price, sight.minimum_next_bid, sight.leading) == (1_500, 1_550, False)


def test_a_leader_that_did_not_know_it_learns_it() -> None:
    item = on_sale()
    item.refused(refusal(Reason.ALREADY_LEADING), "bob", NOW)
    assert item.sight("bob", NOW, NOW).leading


def test_buy_now_is_given_up_where_it_is_not_on_offer() -> None:
    item = on_sale()
    assert item.sight("bob", NOW, NOW).buy_now_price == 9_000
    item.refused(refusal(Reason.BUY_NOW_UNAVAILABLE), "bob", NOW)
    assert item.sight("bob", NOW, NOW).buy_now_price == 0
    other = on_sale()
    Market([other]).offer_no_buy_now()
    assert other.buy_now_price == 0


def test_what_is_over_or_out_of_reach_is_not_chosen() -> None:
    ended, cancelled, dear, still_open = on_sale(), on_sale(), on_sale(minimum=AMOUNT_MAX + 1), on_sale()
    ended.refused(refusal(Reason.ENDED), "bob", NOW)
    cancelled.refused(refusal(Reason.CANCELLED), "bob", NOW)
    market, random = Market([ended, cancelled, dear, still_open]), Random(1)
    assert all(market.choose(random) is still_open for _ in range(20))
    still_open.over = True
    assert market.choose(random) is None


def test_the_first_items_are_chosen_more_often_than_the_last() -> None:
    first, last = on_sale(), on_sale()
    market, random = Market([first, last]), Random(1)
    chosen = [market.choose(random) for _ in range(1_000)]
    assert 600 < sum(item is first for item in chosen) < 800
