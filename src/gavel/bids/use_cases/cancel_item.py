"""Cancel a seller's item."""

from datetime import datetime

from gavel.bids.domain.auction import ActorId, ItemId
from gavel.bids.domain.changing import cancel_item as decide_cancel
from gavel.bids.ports.book import AuctionBook, Call
from gavel.bids.ports.catalogue import ItemCatalogue, ItemView


async def cancel_item(
    book: AuctionBook, catalogue: ItemCatalogue, item_id: ItemId, *, seller_id: ActorId, call: Call
) -> tuple[ItemView, datetime]:
    """Cancel an auction without bids; the item as it is then, with the clock. A repeat returns the cancelled item.

    Raises NotTheSeller, ChangeRefused, and what AuctionBook.update and ItemCatalogue.item raise.
    """
    await book.update(item_id, lambda auction, at: decide_cancel(auction, at, seller_id), call=call)
    return await catalogue.item(item_id)
