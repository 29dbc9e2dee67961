"""Buy an item at its buy-now price."""

from datetime import datetime

from gavel.bids.domain.auction import ActorId, ItemId
from gavel.bids.domain.buy_now import buy_now as decide_buy_now
from gavel.bids.domain.decision import RetryKey
from gavel.bids.ports.book import AuctionBook, Call
from gavel.bids.ports.catalogue import ItemCatalogue, ItemView


async def buy_now(
    book: AuctionBook, catalogue: ItemCatalogue, item_id: ItemId, user_id: ActorId, *, idempotency_key: str, call: Call
) -> tuple[ItemView, datetime]:
    """End the auction with the buyer as its winner; the item as it is then, with the database's clock.

    A retry with the same key changes nothing, and is answered with the item as it is now. Raises BidRefused,
    and what AuctionBook.update and ItemCatalogue.item raise.
    """
    key = RetryKey(user_id, idempotency_key, "buy now") if idempotency_key else None
    await book.update(item_id, lambda auction, at: decide_buy_now(auction, at, user_id), call=call, key=key)
    return await catalogue.item(item_id)
