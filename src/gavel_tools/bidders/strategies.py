"""What a bidder does next, from what it sees: pure, and the same again for the same random numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from gavel.bids.domain.increments import AMOUNT_MAX

# A sniper comes in the last seconds of an auction.
SNIPE_SECONDS = 1.5
# How often one who sees a buy-now price takes it: now and then.
BUY_NOW_SHARE = 0.03
# How often an incremental bidder does not listen to the others, and so races with them for the same amount.
RACE_SHARE = 0.25
# How often a leader with a proxy raises its maximum.
RAISE_SHARE = 0.2
# How long a leader rests before it looks again.
LEADER_REST_SECONDS = 0.05
# How long one rests who would not pay the least bid yet.
PATIENCE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Sight:
    """An item as one bidder sees it. Minor units; `price` 0 before the first bid, `buy_now_price` 0 for not on offer.

    `called` is the highest amount that any bidder of this run has asked for, answered or not. `seconds_left` is
    infinite where the auction goes on for longer than the run. `limit` is the most that the bidder would bid now.
    """

    price: int
    minimum_next_bid: int
    called: int
    leading: bool
    buy_now_price: int
    seconds_left: float
    limit: int = AMOUNT_MAX

    @property
    def raise_by(self) -> int:
        """The increment in force; before the first bid a twentieth of the start price."""
        return self.minimum_next_bid - self.price if self.price else max(1, self.minimum_next_bid // 20)

    @property
    def over_the_crowd(self) -> int:
        """The least amount that also beats what others are calling out at this moment."""
        return max(self.minimum_next_bid, self.called + self.raise_by) if self.called else self.minimum_next_bid


@dataclass(frozen=True, slots=True)
class Bid:
    """Bid an amount, and up to a maximum; 0 for none."""

    amount: int
    max_amount: int = 0


@dataclass(frozen=True, slots=True)
class Buy:
    """Take the buy-now price."""

    price: int


@dataclass(frozen=True, slots=True)
class Rest:
    """Do nothing for a while."""

    seconds: float


Move = Bid | Buy | Rest
Strategy = Callable[[Sight, Random], Move]


def incremental(sight: Sight, random: Random) -> Move:
    """Bid an increment over what is called out, or the bare minimum, as others do just then; rest while leading."""
    if sight.leading:
        return _rest(random)
    return _bid(sight.minimum_next_bid if random.random() < RACE_SHARE else sight.over_the_crowd)


def jumper(sight: Sight, random: Random) -> Move:
    """Bid more than anyone calls out, sometimes by several increments, to impress; rest while leading."""
    return _rest(random) if sight.leading else _bid(sight.over_the_crowd + sight.raise_by * random.choice((0, 0, 1, 5)))


def proxy(sight: Sight, random: Random) -> Move:
    """Bid a little, with a maximum well above; while leading, raise that maximum now and then."""
    if sight.leading and random.random() >= RAISE_SHARE:
        return _rest(random)
    bid = _bid(sight.over_the_crowd)
    return Bid(bid.amount, min(bid.amount + sight.raise_by * random.randint(5, 40), AMOUNT_MAX))


def sniper(sight: Sight, random: Random) -> Move:
    """Wait for the last moments, then jump; an auction that outlasts the run is bid on like any other."""
    if sight.seconds_left == float("inf"):
        return incremental(sight, random)
    if sight.seconds_left > SNIPE_SECONDS:
        return Rest(sight.seconds_left - random.uniform(0.1, SNIPE_SECONDS))
    return _rest(random) if sight.leading else _bid(sight.over_the_crowd + sight.raise_by * random.randint(0, 5))


STRATEGIES: dict[str, Strategy] = {
    "incremental": incremental,
    "jumper": jumper,
    "proxy": proxy,
    "sniper": sniper,
}
# Ten bidders in a row have all of them, in these shares.
_CROWD = ("incremental", "jumper", "proxy", "incremental", "sniper", "incremental", "proxy", "jumper") + (
    "incremental",
) * 2


def strategy_name(number: int) -> str:
    """The strategy of the n-th bidder."""
    return _CROWD[number % len(_CROWD)]


def next_move(strategy: Strategy, sight: Sight, random: Random) -> Move:
    """Return what a bidder does: its strategy's move within its limit, or now and then a buy-now where it would pay it.

    One who would not pay the least bid waits: its limit may rise, and others' bids are worth watching.
    """
    if sight.minimum_next_bid > sight.limit:
        return Rest(PATIENCE_SECONDS * random.uniform(0.5, 1.5))
    if sight.buy_now_price and random.random() < BUY_NOW_SHARE:
        return Buy(sight.buy_now_price)
    match strategy(sight, random):
        case Bid() as bid:
            return _within(sight, bid)
        case move:
            return move


def _within(sight: Sight, bid: Bid) -> Bid:
    """Return a bid within the limit: the least bid where the strategy's is above it, and a round maximum."""
    amount = bid.amount if bid.amount <= sight.limit else sight.minimum_next_bid
    if bid.max_amount <= sight.limit:
        return Bid(amount, bid.max_amount)
    step = 10 ** max(0, len(str(sight.limit)) - 2)
    most = sight.limit // step * step
    return Bid(amount, most if most > amount else 0)


def _bid(amount: int) -> Bid:
    return Bid(min(amount, AMOUNT_MAX))


def _rest(random: Random) -> Rest:
    return Rest(LEADER_REST_SECONDS * random.uniform(0.5, 1.5))
