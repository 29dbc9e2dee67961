"""Change the texts of a seller's item."""

from datetime import datetime

from gavel.bids.domain.auction import ActorId, ItemId
from gavel.bids.domain.changing import update_item
from gavel.bids.domain.texts import ListingChanges
from gavel.bids.ports.book import AuctionBook, Call
from gavel.bids.ports.catalogue import ItemCatalogue, ItemView


async def change_item(
    book: AuctionBook,
    catalogue: ItemCatalogue,
    item_id: ItemId,
    changes: ListingChanges,
    *,
    seller_id: ActorId,
    call: Call,
) -> tuple[ItemView, datetime]:
    """Set texts anew in one transaction with the item's revision; the item as it is then, with the clock.

    Raises NotTheSeller, ChangeRefused, and what AuctionBook.update and ItemCatalogue.item raise.
    """
    await book.update(item_id, lambda auction, at: update_item(auction, at, seller_id, changes), call=call)
    return await catalogue.item(item_id)
