"""The crowd's decisions: who bids on what, and how much. Pure, so that an hour of it can be computed in a moment.

A bidder has a budget of their own for each item: a share of the item's worth, which is its buy-now price, or three
times its start price. The limit of a bidder rises from the start price to that budget until the scheduled end. In the
extension of an auction the crowd does not bid, so that a person who wants to win does.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from random import Random

from gavel.bids.domain.auction import Auction, ItemId, Status, Terms, UserId
from gavel.bids.domain.bidding import NewBid, new_bid
from gavel.bids.domain.increments import AMOUNT_MAX

CROWD = tuple(UserId(f"c0ffee00-0000-4000-8000-0000000000{number:02}") for number in range(1, 13))

WORTH_IN_START_PRICES = 3
# The share of an item's worth that a bidder has for it.
BUDGET_SHARES = (0.8, 1.0)
# Computed again when they are needed again.
BUDGETS_KEPT_MAX = 4_096
# How often the crowd looks first at the auction that ends next, and at those that a stranger leads.
SOONEST_SHARE = 0.35
STRANGERS_SHARE = 0.35
# A price that lags behind a limit by more than this share of the item's worth is raised by more than the least.
LAG_SHARE = 0.05
# How often a bid has a maximum, and by how many increments that lies above the amount at most.
MAXIMUM_SHARE = 0.1
MAXIMUM_INCREMENTS = 4
# Amounts are rounded up to a multiple of this, as people bid.
NEAT_UNITS = 50


def choose_bid(auctions: Sequence[Auction], at: datetime, random: Random) -> tuple[ItemId, NewBid] | None:
    """The crowd's next bid on one of these auctions, which end soonest first; None if no bidder would bid on any."""
    willing = [(auction, bidders) for auction in auctions if (bidders := _willing(auction, at))]
    if not willing:
        return None
    lead_by_strangers = [each for each in willing if each[0].leader_id not in (None, *CROWD)]
    roll = random.random()
    if lead_by_strangers and roll < STRANGERS_SHARE:
        auction, bidders = random.choice(lead_by_strangers)
    elif roll < STRANGERS_SHARE + SOONEST_SHARE:
        auction, bidders = willing[0]
    else:
        auction, bidders = random.choice(willing)
    user_id = random.choice(bidders)
    return auction.item_id, _bid(auction, user_id, limit_of(user_id, auction, at), random)


def worth_of(terms: Terms) -> int:
    """What an item is worth to the crowd: no bid of theirs is higher. Minor units."""
    return min(terms.buy_now_price or WORTH_IN_START_PRICES * terms.start_price, AMOUNT_MAX)


def limit_of(user_id: UserId, auction: Auction, at: datetime) -> int:
    """The most that a bidder would bid on an auction at `at`; the same again whenever it is asked for."""
    terms = auction.terms
    budget = max(terms.start_price, int(worth_of(terms) * _budget_share(user_id, auction.item_id)))
    elapsed = (at - terms.start_at) / (terms.scheduled_end_at - terms.start_at)
    return terms.start_price + int((budget - terms.start_price) * min(max(elapsed, 0.0), 1.0))


@lru_cache(maxsize=BUDGETS_KEPT_MAX)
def _budget_share(user_id: UserId, item_id: ItemId) -> float:
    """The share of an item's worth that a bidder has for it: always the same, from both ids."""
    return Random(f"{item_id} {user_id}").uniform(*BUDGET_SHARES)


def _willing(auction: Auction, at: datetime) -> list[UserId]:
    """The bidders who would bid on an auction now."""
    if auction.status_at(at) is not Status.ACTIVE or at >= auction.terms.scheduled_end_at:
        return []
    least = auction.minimum_next_bid
    others = (each for each in CROWD if each not in (auction.leader_id, auction.terms.seller_id))
    return [each for each in others if limit_of(each, auction, at) >= least]


def _bid(auction: Auction, user_id: UserId, limit: int, random: Random) -> NewBid:
    """The least bid, or a jump if the price lags behind what the bidder would pay; sometimes with a maximum."""
    least = auction.minimum_next_bid
    increment = max(least - auction.price, 1) if auction.price else max(least // 20, 1)
    # Half of the way to the limit at most, so that the others have room left.
    increments = (limit - least) // 2 // increment
    amount = least
    if limit - least > worth_of(auction.terms) * LAG_SHARE:
        amount += increment * random.randint(0, increments)
    elif random.random() < MAXIMUM_SHARE:
        return new_bid(user_id, least, least + increment * min(increments, MAXIMUM_INCREMENTS))
    neat = -(-amount // NEAT_UNITS) * NEAT_UNITS
    return new_bid(user_id, neat if neat <= limit else amount, 0)
