"""Paginated lists of items and bids."""

from collections.abc import Sequence
from datetime import datetime

from gavel.bids.domain.auction import ActorId, ItemId, Status, UserId
from gavel.bids.domain.events import BidPlaced
from gavel.bids.ports.catalogue import BidderItem, ItemCatalogue, ItemPosition, ItemView

# UTF-8 of the texts on a page: a hundred long titles and addresses of images would be a megabyte.
PAGE_TEXT_BYTES_MAX = 256 * 1024


async def show_items(
    catalogue: ItemCatalogue, *, status: Status, category: str, after: ItemPosition | None, limit: int
) -> tuple[list[ItemView], datetime, ItemPosition | None]:
    """A page of items, the clock, and the position of the next page; None if this is the last."""
    items, at = await catalogue.items(status, category, after, limit + 1)
    page = items[: _fitting(items, limit)]
    more = len(items) > len(page)
    return page, at, _position(page[-1], status) if more else None


async def show_bids(
    catalogue: ItemCatalogue, item_id: ItemId, *, before_seq: int | None, limit: int
) -> tuple[list[BidPlaced], int | None]:
    """A page of an item's bids, newest first, and the seq below which the next page starts; None if this is the last.

    Raises ItemNotFound.
    """
    bids = await catalogue.bids(item_id, before_seq, limit + 1)
    page = bids[:limit]
    return page, page[-1].seq if len(bids) > limit else None


async def show_seller_items(
    catalogue: ItemCatalogue, seller_id: UserId, *, after: ItemPosition | None, limit: int
) -> tuple[list[ItemView], datetime, ItemPosition | None]:
    """A page of a seller's items, newest first, the clock, and the next page's position; None if this is the last."""
    items, at = await catalogue.items_of_seller(seller_id, after, limit + 1)
    page = items[: _fitting(items, limit)]
    more = len(items) > len(page)
    return page, at, ItemPosition(page[-1].created_at, page[-1].auction.item_id) if more else None


async def show_my_bids(
    catalogue: ItemCatalogue, user_id: ActorId, *, after: ItemPosition | None, limit: int
) -> tuple[list[BidderItem], datetime, ItemPosition | None]:
    """A page of the items that a user has bid on, newest bid first, the clock, and the position of the next page.

    Shows the user's maxima: only for that user. The position is None if this is the last page.
    """
    mine, at = await catalogue.items_of_bidder(user_id, after, limit + 1)
    page = mine[: _fitting([each.item for each in mine], limit)]
    more = len(mine) > len(page)
    return page, at, ItemPosition(page[-1].last_bid_at, page[-1].item.auction.item_id) if more else None


def _fitting(items: Sequence[ItemView], limit: int) -> int:
    """How many of these items make a page: `limit` at most, with no more than PAGE_TEXT_BYTES_MAX of texts."""
    size = 0
    for count, item in enumerate(items[:limit]):
        listing = item.listing
        size += sum(len(text.encode()) for text in (listing.title, listing.description, *listing.images))
        if count and size > PAGE_TEXT_BYTES_MAX:
            return count
    return min(len(items), limit)


def _position(item: ItemView, status: Status) -> ItemPosition:
    auction = item.auction
    time = auction.terms.start_at if status is Status.SCHEDULED else auction.end_at
    return ItemPosition(time, auction.item_id)
