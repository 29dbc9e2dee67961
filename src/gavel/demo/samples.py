"""Sample auctions: what the demo offers, with the pictures that ship with the page."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from gavel.bids.domain.auction import UserId
from gavel.bids.domain.increments import BidIncrement
from gavel.bids.domain.listing import Draft, Listing
from gavel.bids.ports.catalogue import ItemView

# The seller of every sample: a fixed id, so that samples can be recognised.
SAMPLE_SELLER_ID = UserId("5a3b1e00-0000-4000-8000-000000000001")


class Sample(NamedTuple):
    """What a sample auction offers, and for how long. Prices in hundredths of a major unit, 0 for none.

    `picture` names a file of web/public/samples.
    """

    title: str
    description: str
    category: str
    picture: str
    minutes: int
    start_price: int
    reserve_price: int = 0
    buy_now_price: int = 0
    increment: BidIncrement = BidIncrement()

    def draft(self, at: datetime) -> Draft:
        """The auction of this sample that starts at `at`."""
        return Draft(
            seller_id=SAMPLE_SELLER_ID,
            listing=Listing(
                title=self.title,
                description=self.description,
                category=self.category,
                images=(f"/samples/{self.picture}.svg",),
            ),
            end_at=at + timedelta(minutes=self.minutes),
            start_price=self.start_price,
            reserve_price=self.reserve_price,
            buy_now_price=self.buy_now_price,
            increment=self.increment,
        )


_FIVE_PER_CENT = BidIncrement(0, 500)
# The first three always end within minutes, each after a time of its own, so that their ends drift apart.
SAMPLES = (
    Sample(
        "Charity: dinner for two",
        "Six courses at the chef's table. Each bid raises by five per cent.",
        "charity", "dinner", 7, 25_00, increment=_FIVE_PER_CENT,
    ),
    Sample("Espresso machine", "Descaled, with a spare group seal.", "kitchen", "espresso", 9, 80_00),
    Sample("First printing, with map", "Dust jacket clipped, map intact.", "books", "book", 11, 35_00),
    Sample("Road bike, 56 cm", "Steel frame, new chain and tyres.", "sports", "bike", 25, 200_00, 320_00, 600_00),
    Sample("Field camera, 4x5", "Mahogany and brass; bellows without a pinhole.", "electronics", "camera", 35, 320_00),
    Sample("Seven-string guitar", "Played on two tours, set up last month.", "music", "guitar", 45, 450_00),
    Sample("Brass sextant, 1890s", "Signed on the arc, in its fitted box.", "antiques", "sextant", 60, 120_00, 300_00),
    Sample("Lounge chair in walnut", "New leather in 2019, frame as it was.", "home", "chair", 75, 240_00),
    Sample("Automatic wristwatch", "Serviced, with box and papers.", "watches", "watch", 90, 400_00, 700_00, 1_300_00),
    Sample("Riesling, case of six", "From a steep slope, laid down in 2009.", "wine", "wine", 120, 60_00),
    Sample("Linocut, 12 of 40", "Two colours on handmade paper, framed.", "art", "print", 150, 90_00),
    Sample("Wooden train set", "Forty pieces of beech, one bridge.", "toys", "train", 180, 45_00),
)  # fmt: skip


def samples_without(views: Iterable[ItemView]) -> list[Sample]:
    """The samples that none of these items offers."""
    offered = {view.listing.title for view in views if view.auction.terms.seller_id == SAMPLE_SELLER_ID}
    return [sample for sample in SAMPLES if sample.title not in offered]
