"""A seller lists an item."""

from gavel.bids.domain.decision import Answer
from gavel.bids.domain.ids import ItemId
from gavel.bids.domain.listing import Draft
from gavel.bids.domain.listing import list_item as decide_listing
from gavel.bids.ports import AuctionBook, Call


async def list_item(book: AuctionBook, draft: Draft, *, item_id: ItemId, currency: str, call: Call) -> Answer:
    """Open an auction under a new id, in the house currency, by the database's clock.

    Raises InvalidInput and what AuctionBook.open raises.
    """
    return await book.open(lambda at: decide_listing(draft, item_id, at, currency), draft.listing, call=call)
