"""The account: each accepted bid once, however often its acceptance came."""

from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel_tools.bidders.account import Account, Commitment, Placed, Sum


def bid(bid_id: str, seq: int, amount: int, *, automatic: bool = False) -> pb.Bid:
    return pb.Bid(id=bid_id, seq=seq, amount=amount, automatic=automatic)


def test_bids_and_amounts_add_up_by_bidder_and_by_item() -> None:
    account = Account()
    account.accept("sextant", "ann", bid("1", 2, 100), 100)
    account.accept("sextant", "bob", bid("2", 3, 150), 150)
    account.accept("guitar", "ann", bid("3", 2, 500), 900)
    assert account.by_bidder() == {"ann": Sum(2, 600), "bob": Sum(1, 150)}
    assert account.by_item() == {"sextant": Sum(2, 250), "guitar": Sum(1, 500)}
    assert account.accepted == 3


def test_an_acceptance_that_comes_twice_counts_once() -> None:
    account = Account()
    account.accept("sextant", "ann", bid("1", 2, 100), 100)
    account.accept("sextant", "ann", bid("1", 2, 100), 100)
    assert account.by_bidder() == {"ann": Sum(1, 100)}
    assert account.accepted == 1


def test_a_raised_maximum_is_no_bid() -> None:
    account = Account()
    account.accept("sextant", "ann", bid("1", 2, 100), 500)
    account.accept("sextant", "ann", bid("1", 2, 100), 900)
    account.accept("sextant", "ann", bid("7", 8, 700, automatic=True), 800)
    assert (account.accepted, account.raised_maxima) == (1, 2)
    assert account.items["sextant"].commitments == [
        Commitment("ann", 2, 500),
        Commitment("ann", 2, 900),
        Commitment("ann", 8, 800),
    ]


def test_a_purchase_is_an_accepted_bid_at_the_price() -> None:
    account = Account()
    account.buy("sextant", Placed("ann", 900))
    assert account.by_bidder() == {"ann": Sum(1, 900)}
    assert (account.accepted, account.purchases) == (1, 1)


def test_a_doubtful_bid_is_not_an_accepted_one() -> None:
    account = Account()
    account.doubt("sextant", Placed("ann", 100), 700)
    account.doubt("sextant", Placed("ann", 100))
    assert account.items["sextant"].doubtful == {Placed("ann", 100): 2}
    assert account.items["sextant"].doubtful_maxima == {"ann": 700}
    assert (account.accepted, account.by_bidder()) == (0, {})
