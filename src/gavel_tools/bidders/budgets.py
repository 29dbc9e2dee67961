"""Budgets: how much a crowd and each of its bidders would pay for an item, the same again for the same seed.

A bidder does not pay all of it at once: from the item's price at the start its limit rises evenly to its budget, until
the auction or the run ends. So prices rise for as long as anyone watches, whatever the number of bidders.
"""

from dataclasses import dataclass
from random import Random

from gavel.bids.domain.increments import AMOUNT_MAX

# Three times the start price, unless the options say otherwise; 0: no limit.
DEFAULT_BUDGET = 3.0
BUDGET_MAX = 1_000.0
# The shares of that which an item is worth to a crowd, and of an item's worth which one bidder has for it.
WORTH_SHARES = (0.7, 1.0)
BIDDER_SHARES = (0.75, 1.0)
# An auction whose least bid is above this share of its worth leaves too few bidders to watch.
ROOM_SHARE = 0.8
# Who has this share of a buy-now price may pay it.
BUY_NOW_BUDGET_SHARE = 0.9


def worth_of(start_price: int, buy_now_price: int, budget: float, seed: int, number: int) -> int:
    """Return what the n-th item of a run is worth to a crowd: a share of its buy-now price, or of `budget` starts."""
    if not budget:
        return AMOUNT_MAX
    most = buy_now_price or start_price * budget
    return min(round(most * Random(f"{seed} item {number}").uniform(*WORTH_SHARES)), AMOUNT_MAX)


@dataclass(frozen=True, slots=True)
class Budget:
    """What one bidder would pay for one item: `opening` at `begins_at`, `most` from `ends_at` on. Minor units."""

    opening: int
    most: int
    begins_at: float
    ends_at: float

    def limit(self, now: float) -> int:
        """Return the most that the bidder would bid at a moment."""
        if self.most == AMOUNT_MAX or now >= self.ends_at:
            return self.most
        share = (now - self.begins_at) / (self.ends_at - self.begins_at)
        return min(self.most, self.opening + max(0, int((self.most - self.opening) * share)))

    def buys_at(self, price: int) -> bool:
        """Return whether the bidder would pay a buy-now price."""
        return self.most >= price * BUY_NOW_BUDGET_SHARE


UNLIMITED = Budget(0, AMOUNT_MAX, 0.0, 0.0)


def budget_of(
    worth: int, opening: int, begins_at: float, ends_at: float, *, seed: int, bidder: int, item: int
) -> Budget:
    """Return the budget of the n-th bidder of a run for its n-th item."""
    share = Random(f"{seed} bidder {bidder} item {item}").uniform(*BIDDER_SHARES)
    return Budget(opening, worth if worth == AMOUNT_MAX else round(worth * share), begins_at, ends_at)
