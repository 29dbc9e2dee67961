"""List an item for a seller."""

from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.decision import Answer, RetryKey
from gavel.bids.domain.listing import Draft, request_digest
from gavel.bids.domain.listing import list_item as decide_listing
from gavel.bids.ports.book import AuctionBook, Call


async def list_item(
    book: AuctionBook, draft: Draft, *, item_id: ItemId, currency: str, call: Call, idempotency_key: str = ""
) -> Answer:
    """Open an auction under a new id, in the house currency, by the database's clock.

    A retry with the same key opens none, and is answered with the first auction as it is now, under its own id.
    Raises InvalidInput and what AuctionBook.open raises.
    """
    key = RetryKey(draft.seller_id, idempotency_key, request_digest(draft)) if idempotency_key else None
    return await book.open(lambda at: decide_listing(draft, item_id, at, currency), draft.listing, call=call, key=key)
