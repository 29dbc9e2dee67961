"""One simulated bidder: sees, moves, and asks for the same thing with the same key until it has an answer."""

import asyncio
from dataclasses import dataclass
from random import Random

from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.runtime.process.loops import wait_for
from gavel_tools.bidders.account import Account, Placed
from gavel_tools.bidders.budgets import Budget, budget_of
from gavel_tools.bidders.calls import BUY_NOW, PLACE_BID, Caller, Failed, NoAnswer, Refused
from gavel_tools.bidders.market import ItemOnSale, Market
from gavel_tools.bidders.options import NEEDS_TOKENS
from gavel_tools.bidders.strategies import STRATEGIES, Bid, Buy, Rest, next_move, strategy_name

# Delay before the next request to a server that failed.
FAILURE_REST_SECONDS = 0.5
_NEEDS_A_TOKEN = {"unauthenticated", "permission_denied"}


@dataclass(slots=True)
class Bounds:
    """When the run ends: at `ends_at` on the event loop's clock, after `count` bids, or when it is stopped."""

    stopping: asyncio.Event
    ends_at: float
    count_left: int | None
    why: str = ""

    def take(self) -> bool:
        """Take one bid out of the count. False, and the end of the run, where none is left."""
        if self.count_left is None:
            return True
        if self.count_left == 0:
            self.stop("the count is reached")
            return False
        self.count_left -= 1
        return True

    def stop(self, why: str) -> None:
        """End the run; the first reason is the one reported."""
        self.why = self.why or why
        self.stopping.set()


class Bidder:
    """The n-th bidder. Its moves depend on `seed`, its number and what it sees; its id is its own."""

    def __init__(
        self, number: int, user_id: str, seed: int, *, caller: Caller, market: Market, account: Account, bounds: Bounds
    ) -> None:
        self.user_id = user_id
        self.strategy = strategy_name(number)
        self._number = number
        self._seed = seed
        self._random = Random(f"{seed} {number}")
        self._budgets: dict[int, Budget] = {}
        self._caller = caller
        self._market = market
        self._account = account
        self._bounds = bounds
        self._keys = 0

    async def bid_on(self, pause_seconds: float) -> None:
        """Bid until the run ends or every item is over; between two bids rest for `pause_seconds` on average."""
        loop, bounds, item = asyncio.get_running_loop(), self._bounds, None
        while not bounds.stopping.is_set():
            item = item or self._market.choose(self._random)
            if item is None:
                return
            sight = item.sight(self.user_id, loop.time(), bounds.ends_at, self._budget(item, loop.time()))
            match next_move(STRATEGIES[self.strategy], sight, self._random):
                case Rest(seconds):
                    await wait_for(bounds.stopping, seconds)
                    item = None
                case Bid() as bid if bounds.take():
                    item = await self._place(item, bid)
                case Buy(price) if bounds.take():
                    item = await self._buy(item, price)
                case _:
                    return
            if pause_seconds:
                await wait_for(bounds.stopping, pause_seconds * self._random.uniform(0.5, 1.5))

    def _budget(self, item: ItemOnSale, now: float) -> Budget:
        """Return the budget for an item, which is made at the first look at it."""
        budget = self._budgets.get(item.number)
        if budget is None:
            ends_at = min(item.ends_at, self._bounds.ends_at)
            keys = {"seed": self._seed, "bidder": self._number, "item": item.number}
            budget = budget_of(item.worth, item.minimum_next_bid, now, ends_at, **keys)
            self._budgets[item.number] = budget
        return budget

    async def _place(self, item: ItemOnSale, bid: Bid) -> ItemOnSale | None:
        """Place a bid. Returns the item where it is worth bidding on again at once."""
        request = pb.PlaceBidRequest(
            item_id=item.item_id,
            user_id=self.user_id,
            amount=bid.amount,
            max_amount=bid.max_amount,
            idempotency_key=self._next_key(),
        )
        item.called = max(item.called, bid.amount)
        doubtful, accepted = True, False
        try:
            answer, doubtful = await self._caller.insist(PLACE_BID, request)
            if isinstance(answer, pb.PlaceBidResponse) and answer.bid is not None:
                accepted = True
                self._account.accept(item.item_id, self.user_id, answer.bid, bid.max_amount or bid.amount)
                item.accepted(answer, self.user_id, asyncio.get_running_loop().time())
                return None
            doubtful = doubtful or (isinstance(answer, Failed) and answer.maybe_done)
            return await self._take_no(item, answer)
        finally:
            if doubtful and not accepted:
                self._account.doubt(item.item_id, Placed(self.user_id, bid.amount), bid.max_amount)

    async def _buy(self, item: ItemOnSale, price: int) -> ItemOnSale | None:
        """Take the buy-now price. Returns the item where it is worth bidding on."""
        request = pb.BuyNowRequest(item_id=item.item_id, user_id=self.user_id, idempotency_key=self._next_key())
        doubtful, bought = True, False
        try:
            answer, doubtful = await self._caller.insist(BUY_NOW, request)
            if isinstance(answer, pb.BuyNowResponse):
                bought = item.over = True
                self._account.buy(item.item_id, Placed(self.user_id, price))
                return None
            doubtful = doubtful or (isinstance(answer, Failed) and answer.maybe_done)
            if isinstance(answer, Failed) and answer.code == "unimplemented":
                self._account.refused["BUY_NOW_UNIMPLEMENTED"] += 1
                self._market.offer_no_buy_now()
                return item
            return await self._take_no(item, answer)
        finally:
            if doubtful and not bought:
                self._account.doubt(item.item_id, Placed(self.user_id, price))

    async def _take_no(self, item: ItemOnSale, answer: object) -> ItemOnSale | None:
        """Handle a refusal. Returns the item if the refusal says how to bid again."""
        match answer:
            case Refused(detail):
                self._account.refused[str(detail.reason)] += 1
                item.refused(detail, self.user_id, asyncio.get_running_loop().time())
                return item if item.open and detail.reason is pb.BidRejected.Reason.TOO_LOW else None
            case NoAnswer():
                self._account.given_up += 1
            case Failed(code, text):
                self._account.failed[f"{code}: {text}"] += 1
                item.over = item.over or code == "not_found"
                if code in _NEEDS_A_TOKEN:
                    self._bounds.stop(f"the server says {code}: {NEEDS_TOKENS}")
                await wait_for(self._bounds.stopping, FAILURE_REST_SECONDS)
            case _:
                self._account.failed["unreadable: an acceptance without its bid"] += 1
        return None

    def _next_key(self) -> str:
        self._account.asked += 1
        self._keys += 1
        return f"bid-{self._keys}"
