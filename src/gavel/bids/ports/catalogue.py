"""Item catalogue: the port for reading items and bids."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gavel.bids.domain.auction import Auction, ItemId, Status, UserId
from gavel.bids.domain.events import BidPlaced
from gavel.bids.domain.listing import Listing


@dataclass(frozen=True, slots=True)
class ItemView:
    """An item for display: state, texts, and the times of its row. In a list, without its long texts."""

    auction: Auction
    listing: Listing
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class BidderItem:
    """An item with one bidder's own highest amount, maximum and time of last bid.

    The maximum is only for that bidder, and left out of the repr, so that no log line can show it.
    """

    item: ItemView
    amount: int
    maximum: int = field(repr=False)
    last_bid_at: datetime


@dataclass(frozen=True, slots=True, order=True)
class ItemPosition:
    """A position in a list of items: the last item seen, by the time that orders the list."""

    time: datetime
    item_id: ItemId


class ItemCatalogue(Protocol):
    """Items and bids, read from Postgres itself, so that bidders read their own writes.

    Lists of items show them without their descriptions, and with the first image alone.
    """

    async def item(self, item_id: ItemId) -> tuple[ItemView, datetime]:
        """The item, with the database's clock. Raises ItemNotFound."""
        ...

    async def items(
        self, status: Status, category: str, after: ItemPosition | None, limit: int
    ) -> tuple[list[ItemView], datetime]:
        """Up to `limit` items of a status (all categories where `category` is empty) after a position.

        Scheduled ones by start, active ones ending soonest first, ended and cancelled ones newest end first.
        """
        ...

    async def items_of_seller(
        self, seller_id: UserId, after: ItemPosition | None, limit: int
    ) -> tuple[list[ItemView], datetime]:
        """Up to `limit` items of a seller, of every status, newest listed first, after a position; and the clock."""
        ...

    async def items_of_bidder(
        self, user_id: UserId, after: ItemPosition | None, limit: int
    ) -> tuple[list[BidderItem], datetime]:
        """Up to `limit` items that a user has bid on, newest bid of theirs first, after a position; and the clock."""
        ...

    async def bids(self, item_id: ItemId, before_seq: int | None, limit: int) -> list[BidPlaced]:
        """Up to `limit` bids of an item below a seq (None: from the newest), newest first. Raises ItemNotFound."""
        ...
