"""Anyone looks at items and at the bids on them."""

from datetime import datetime

from gavel.bids.domain.auction import Status
from gavel.bids.domain.events import BidPlaced
from gavel.bids.domain.ids import ItemId
from gavel.bids.domain.refusals import ItemNotFound
from gavel.bids.ports.catalogue import ItemCatalogue, ItemPosition, ItemView


async def show_item(catalogue: ItemCatalogue, item_id: ItemId) -> tuple[ItemView, datetime]:
    """The item with the database's clock. Raises ItemNotFound."""
    found = await catalogue.item(item_id)
    if found is None:
        raise ItemNotFound(item_id)
    return found


async def show_items(
    catalogue: ItemCatalogue, *, status: Status, category: str, after: ItemPosition | None, limit: int
) -> tuple[list[ItemView], datetime, ItemPosition | None]:
    """A page of items, the clock, and the position to go on from; None where the list ends here."""
    items, at = await catalogue.items(status, category, after, limit + 1)
    more = len(items) > limit
    page = items[:limit]
    return page, at, _position(page[-1], status) if more else None


async def show_bids(
    catalogue: ItemCatalogue, item_id: ItemId, *, before_seq: int | None, limit: int
) -> tuple[list[BidPlaced], int | None]:
    """A page of an item's bids, newest first, and the seq to go on below; None where the list ends here.

    Raises ItemNotFound.
    """
    bids = await catalogue.bids(item_id, before_seq, limit + 1)
    if bids is None:
        raise ItemNotFound(item_id)
    page = bids[:limit]
    return page, page[-1].seq if len(bids) > limit else None


def _position(item: ItemView, status: Status) -> ItemPosition:
    auction = item.auction
    time = auction.terms.start_at if status is Status.SCHEDULED else auction.end_at
    return ItemPosition(time, auction.item_id)
