"""A bidder looks at what they have bid on."""

from datetime import datetime

from gavel.bids.domain.ids import UserId
from gavel.bids.ports.catalogue import BidderItem, ItemCatalogue, ItemPosition


async def show_my_bids(
    catalogue: ItemCatalogue, user_id: UserId, *, after: ItemPosition | None, limit: int
) -> tuple[list[BidderItem], datetime, ItemPosition | None]:
    """A page of the items that a user has bid on, newest bid first, the clock, and the position to go on from.

    Shows the user's maxima: only for that user. The position is None where the list ends here.
    """
    mine, at = await catalogue.items_of_bidder(user_id, after, limit + 1)
    page = mine[:limit]
    more = len(mine) > limit
    return page, at, ItemPosition(page[-1].last_bid_at, page[-1].item.auction.item_id) if more else None
