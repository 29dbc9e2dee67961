"""Items as the bidders of one process know them: the newest state that any of them received."""

from dataclasses import dataclass
from random import Random

from protobuf.wkt.google.protobuf.timestamp_pb import Timestamp

from gavel.bids.domain.increments import AMOUNT_MAX
from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel_tools.bidders.budgets import ROOM_SHARE, UNLIMITED, Budget
from gavel_tools.bidders.strategies import Sight

_OVER = {pb.BidRejected.Reason.ENDED, pb.BidRejected.Reason.CANCELLED}


@dataclass(slots=True)
class ItemOnSale:
    """An item as last heard of. Minor units; `ends_at` is on the event loop's clock, as is every `now` here.

    `number` identifies an item within a run, the same again for a seed; `worth` is what it is worth to the crowd.
    """

    item_id: str
    price: int
    minimum_next_bid: int
    leader_id: str
    ends_at: float
    buy_now_price: int
    called: int = 0
    over: bool = False
    number: int = 0
    worth: int = AMOUNT_MAX

    @classmethod
    def of(
        cls, item: pb.Item, server_time: Timestamp | None, now: float, *, number: int = 0, worth: int = AMOUNT_MAX
    ) -> "ItemOnSale":
        """An item as GetItem shows it."""
        return cls(
            item_id=item.id,
            price=item.current_highest_bid,
            minimum_next_bid=item.minimum_next_bid,
            leader_id=item.highest_bidder_id,
            ends_at=now + _seconds_between(server_time, item.end_at),
            buy_now_price=item.buy_now_price if item.buy_now_available else 0,
            over=item.status is not pb.ItemStatus.ACTIVE,
            number=number,
            worth=worth,
        )

    @property
    def open(self) -> bool:
        """Whether there is anything left to bid."""
        return not self.over and self.minimum_next_bid <= AMOUNT_MAX

    @property
    def has_room(self) -> bool:
        """Whether it is cheap enough yet for the crowd to bid it up."""
        return self.open and self.minimum_next_bid <= self.worth * ROOM_SHARE

    def sight(self, user_id: str, now: float, run_ends_at: float, budget: Budget = UNLIMITED) -> Sight:
        """Return the item as seen by a bidder with this limit."""
        return Sight(
            self.price,
            self.minimum_next_bid,
            self.called,
            leading=self.leader_id == user_id,
            buy_now_price=self.buy_now_price if budget.buys_at(self.buy_now_price) else 0,
            seconds_left=self.ends_at - now if self.ends_at <= run_ends_at else float("inf"),
            limit=budget.limit(now),
        )

    def accepted(self, answer: pb.PlaceBidResponse, user_id: str, now: float) -> None:
        """Take in the answer to an accepted bid."""
        if self._newer(answer.current_highest_bid, answer.minimum_next_bid):
            self.leader_id = user_id if answer.leading else ""
        self.ends_at = max(self.ends_at, now + _seconds_between(answer.server_time, answer.end_at))

    def refused(self, detail: pb.BidRejected, user_id: str, now: float) -> None:
        """Take in a refusal."""
        self._newer(detail.current_highest_bid, detail.minimum_next_bid)
        self.ends_at = max(self.ends_at, now + _seconds_between(detail.server_time, detail.end_at))
        if detail.reason in _OVER:
            self.over = True
        elif detail.reason is pb.BidRejected.Reason.ALREADY_LEADING:
            self.leader_id = user_id
        elif detail.reason is pb.BidRejected.Reason.BUY_NOW_UNAVAILABLE:
            self.buy_now_price = 0

    def _newer(self, price: int, minimum_next_bid: int) -> bool:
        """Take in a price unless it is an older one: answers overtake each other, prices only rise."""
        if price < self.price:
            return False
        if price > self.price:
            self.leader_id = ""
        self.price, self.minimum_next_bid = price, minimum_next_bid
        return True


class Market:
    """The items of a run."""

    def __init__(self, items: list[ItemOnSale]) -> None:
        self._items = items

    def choose(self, random: Random) -> ItemOnSale | None:
        """An item to bid on, the first ones more often than the last: some are hot. None when every one is over."""
        while self._items:
            number = int(len(self._items) * random.random() ** 2)
            if self._items[number].open:
                return self._items[number]
            del self._items[number]
        return None

    def offer_no_buy_now(self) -> None:
        """Stop trying to buy: the server does not know how."""
        for item in self._items:
            item.buy_now_price = 0


def _seconds_between(earlier: Timestamp | None, later: Timestamp | None) -> float:
    if earlier is None or later is None:
        return 0.0
    return later.seconds - earlier.seconds + (later.nanos - earlier.nanos) / 1e9
