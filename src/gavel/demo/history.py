"""An hour of history: how the sample auctions would have gone, decided by the rules at times that have passed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from gavel.bids.adapters.postgres.writing.past import PastDecision
from gavel.bids.domain.auction import Auction, ItemId
from gavel.bids.domain.bidding import place_bid
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.listing import list_item
from gavel.demo.crowd import choose_bid
from gavel.demo.samples import SAMPLES, Sample

HISTORY = timedelta(hours=1)
# Seconds between two moments at which something happens.
MOMENT_SECONDS = (3.0, 9.0)


def past_hour(until: datetime, currency: str, random: Random) -> Iterator[PastDecision]:
    """Yield what happened in the hour before `until`, oldest first: listings, bids, and the ends of short auctions."""
    on_sale: dict[Sample, Auction] = {}
    at = until - HISTORY
    while at < until:
        for sample, auction in list(on_sale.items()):
            closing = close_due(auction, at)
            if closing.events:
                yield PastDecision(closing, auction)
                del on_sale[sample]
        # One at a time, so that not all begin at one moment.
        missing = next((sample for sample in SAMPLES if sample not in on_sale), None)
        if missing is not None:
            draft = missing.draft(at)
            listing = list_item(draft, ItemId(str(UUID(int=random.getrandbits(128), version=4))), at, currency)
            yield PastDecision(listing, listing=draft.listing)
            on_sale[missing] = listing.auction
        by_id = {auction.item_id: (sample, auction) for sample, auction in on_sale.items()}
        chosen = choose_bid(sorted(on_sale.values(), key=lambda auction: auction.end_at), at, random)
        if chosen is not None:
            item_id, bid = chosen
            sample, auction = by_id[item_id]
            decision = place_bid(auction, at, bid)
            yield PastDecision(decision, auction)
            on_sale[sample] = decision.auction
        at += timedelta(seconds=random.uniform(*MOMENT_SECONDS))
