"""Map rows of bid_db to domain values."""

import asyncpg

from gavel.bids.domain.auction import Auction, ItemId, SoftClose, Terms, UserId, least_bid
from gavel.bids.domain.events import BidPlaced
from gavel.bids.domain.increments import BidIncrement
from gavel.bids.domain.texts import Listing
from gavel.bids.ports.catalogue import ItemView

Row = asyncpg.Record


def auction_of(row: Row) -> Auction:
    """Map a row of `auctions` to an Auction."""
    terms, price = terms_of(row), row["price"]
    return Auction(
        ItemId(str(row["item_id"])),
        terms,
        row["end_at"],
        least_bid(terms, price),
        price,
        UserId(str(row["leader_id"])) if row["leader_id"] else None,
        row["leader_maximum"],
        row["bid_count"],
        row["last_bid_seq"],
        row["seq"],
        row["revision"],
        row["cancelled_at"],
        row["closed_at"],
    )


def terms_of(row: Row) -> Terms:
    """Map a row of `auctions` to its Terms."""
    return Terms(
        seller_id=UserId(str(row["seller_id"])),
        currency=row["currency"],
        start_at=row["start_at"],
        scheduled_end_at=row["scheduled_end_at"],
        start_price=row["start_price"],
        reserve_price=row["reserve_price"],
        buy_now_price=row["buy_now_price"],
        soft_close=SoftClose(
            window_seconds=row["soft_close_window_seconds"],
            extension_seconds=row["soft_close_extension_seconds"],
            max_extension_seconds=row["soft_close_max_extension_seconds"],
        ),
        increment=BidIncrement(row["increment_fixed"], row["increment_basis_points"]),
    )


def view_of(row: Row) -> ItemView:
    """Map a row of the view `items` or `item_entries` to an ItemView."""
    listing = Listing(
        title=row["title"], description=row["description"], images=tuple(row["images"]), category=row["category"]
    )
    return ItemView(auction_of(row), listing, row["created_at"], row["updated_at"])


def bid_of(row: Row) -> BidPlaced:
    """Map a row of `bids` to a BidPlaced."""
    return BidPlaced(
        ItemId(str(row["item_id"])),
        row["seq"],
        row["created_at"],
        UserId(str(row["user_id"])),
        row["amount"],
        row["maximum"],
        row["automatic"],
        UserId(str(row["outbid_user_id"])) if row["outbid_user_id"] else None,
        row["bid_count"],
        row["minimum_next_bid"],
        row["end_at"],
    )
