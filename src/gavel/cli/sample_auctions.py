"""Auctions to try Gavel on: listed at the start of a demo, and again when most of them are over."""

import asyncio
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.increments import BidIncrement
from gavel.bids.domain.listing import Draft, Listing
from gavel.bids.ports.book import AuctionBook, CommandCall
from gavel.bids.use_cases.list_item import list_item

LISTING_SECONDS_MAX = 10.0
# The seller of every sample: a fixed id, so that samples can be recognised.
SAMPLE_SELLER_ID = UserId("5a3b1e00-0000-4000-8000-000000000001")


class Sample(NamedTuple):
    """What a sample auction offers, and for how long. Prices in hundredths of a major unit."""

    title: str
    description: str
    category: str
    minutes: int
    start_price: int
    reserve_price: int = 0
    buy_now_price: int = 0
    increment: BidIncrement = BidIncrement()


SAMPLES = (
    Sample("Brass sextant, 1890s", "Signed on the arc, in its fitted box.", "antiques", 7 * 24 * 60, 120_00, 300_00),
    Sample("Seven-string guitar", "Played on two tours, set up last month.", "music", 24 * 60, 450_00, 0, 1_200_00),
    Sample("First printing, with map", "Dust jacket clipped, map intact.", "books", 12 * 60, 35_00),
    Sample("Road bike, 56 cm", "Steel frame, new chain and tyres.", "sports", 3 * 60, 200_00, 0, 900_00),
    Sample("Espresso machine", "Descaled, with a spare group seal.", "kitchen", 60, 80_00),
    Sample(
        "Charity: dinner for two", "Each bid raises by five per cent.", "charity", 30, 25_00, 0, 0, BidIncrement(0, 500)
    ),
)


async def list_samples(book: AuctionBook, *, now: datetime, currency: str) -> None:
    """List every sample as a new auction that starts now."""
    for sample in SAMPLES:
        draft = Draft(
            seller_id=SAMPLE_SELLER_ID,
            listing=Listing(title=sample.title, description=sample.description, category=sample.category),
            end_at=now + timedelta(minutes=sample.minutes),
            start_price=sample.start_price,
            reserve_price=sample.reserve_price,
            buy_now_price=sample.buy_now_price,
            increment=sample.increment,
        )
        call = CommandCall(asyncio.get_running_loop().time() + LISTING_SECONDS_MAX)
        await list_item(book, draft, item_id=ItemId(str(uuid4())), currency=currency, call=call)
