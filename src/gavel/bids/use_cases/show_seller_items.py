"""Anyone looks at what a seller has listed."""

from datetime import datetime

from gavel.bids.domain.ids import UserId
from gavel.bids.ports.catalogue import ItemCatalogue, ItemPosition, ItemView


async def show_seller_items(
    catalogue: ItemCatalogue, seller_id: UserId, *, after: ItemPosition | None, limit: int
) -> tuple[list[ItemView], datetime, ItemPosition | None]:
    """A page of a seller's items, newest first, the clock, and the position to go on from; None at the list's end."""
    items, at = await catalogue.items_of_seller(seller_id, after, limit + 1)
    page = items[:limit]
    more = len(items) > limit
    return page, at, ItemPosition(page[-1].created_at, page[-1].auction.item_id) if more else None
