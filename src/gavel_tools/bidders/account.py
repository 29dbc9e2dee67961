"""Account of the server's answers: every accepted bid once, however many attempts it took."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from gavel.contracts.bids.v1 import bid_service_pb as pb


class AcceptedBid(NamedTuple):
    """A bid that was answered as accepted. Minor units."""

    user_id: str
    seq: int
    amount: int


class Placed(NamedTuple):
    """A bid or a purchase by its request, if no id was received. Minor units."""

    user_id: str
    amount: int


class Commitment(NamedTuple):
    """How far a bidder goes, from the bid with this seq on: that was the standing one, or theirs. Minor units."""

    user_id: str
    seq: int
    maximum: int


class Sum(NamedTuple):
    """How many bids, and what they add up to in minor units."""

    bids: int
    amount: int


@dataclass(slots=True)
class ItemAccount:
    """What was answered about one item.

    `accepted` is by bid id. `doubtful` holds bids that may or may not be in the database: no answer came, or the
    answer that came at last was a refusal, after one that was lost; `doubtful_maxima` is how far those would go at
    most, by bidder. `commitments` are the accepted maxima; of one bidder they stand in the order of the answers.
    """

    accepted: dict[str, AcceptedBid] = field(default_factory=dict[str, AcceptedBid])
    purchases: list[Placed] = field(default_factory=list[Placed])
    doubtful: Counter[Placed] = field(default_factory=Counter[Placed])
    doubtful_maxima: dict[str, int] = field(default_factory=dict[str, int])
    commitments: list[Commitment] = field(default_factory=list[Commitment])

    def entries(self) -> list[Placed]:
        """Every accepted bid and purchase."""
        return [Placed(bid.user_id, bid.amount) for bid in self.accepted.values()] + self.purchases


@dataclass(slots=True)
class Account:
    """The whole run, from the answers that the bidders received."""

    asked: int = 0
    accepted: int = 0
    purchases: int = 0
    raised_maxima: int = 0
    given_up: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    failed: Counter[str] = field(default_factory=Counter[str])
    items: defaultdict[str, ItemAccount] = field(default_factory=lambda: defaultdict(ItemAccount))

    def accept(self, item_id: str, user_id: str, bid: pb.Bid, maximum: int) -> None:
        """Count the answer to a bid, once by its id.

        Where the standing bid comes back, or one that Gavel placed, the leader has raised its maximum.
        """
        item = self.items[item_id]
        item.commitments.append(Commitment(user_id, bid.seq, maximum))
        if bid.automatic or bid.id in item.accepted:
            self.raised_maxima += 1
            return
        item.accepted[bid.id] = AcceptedBid(user_id, bid.seq, bid.amount)
        self.accepted += 1

    def buy(self, item_id: str, purchase: Placed) -> None:
        """Count a purchase; its bid is the item's last."""
        self.items[item_id].purchases.append(purchase)
        self.accepted += 1
        self.purchases += 1

    def doubt(self, item_id: str, placed: Placed, maximum: int = 0) -> None:
        """Note a bid that may be in the database although no answer said so; `maximum` 0: its amount."""
        item = self.items[item_id]
        item.doubtful[placed] += 1
        item.doubtful_maxima[placed.user_id] = max(item.doubtful_maxima.get(placed.user_id, 0), maximum, placed.amount)

    def by_bidder(self) -> dict[str, Sum]:
        """What was accepted of each bidder."""
        return _sums((entry.user_id, entry.amount) for item in self.items.values() for entry in item.entries())

    def by_item(self) -> dict[str, Sum]:
        """What was accepted on each item."""
        return _sums((item_id, entry.amount) for item_id, item in self.items.items() for entry in item.entries())


def _sums(amounts: Iterable[tuple[str, int]]) -> dict[str, Sum]:
    sums: defaultdict[str, Sum] = defaultdict(lambda: Sum(0, 0))
    for key, amount in amounts:
        bids, total = sums[key]
        sums[key] = Sum(bids + 1, total + amount)
    return dict(sums)
