"""Place a bid on an item."""

from gavel.bids.domain.bidding import NewBid, refuse_early
from gavel.bids.domain.bidding import place_bid as decide_bid
from gavel.bids.domain.decision import Answer, retry_key
from gavel.bids.domain.ids import ItemId
from gavel.bids.ports.book import AuctionBook, Call


async def place_bid(book: AuctionBook, item_id: ItemId, bid: NewBid, *, idempotency_key: str, call: Call) -> Answer:
    """Decide a bid under the item's lock, and answer once it is committed.

    A bid that a state seen earlier shows to be too low, and that no key can turn into a replay, is refused
    without the database. Raises BidRefused, InvalidInput (the key), and what AuctionBook.update raises.
    """
    key = retry_key(bid.user_id, idempotency_key, f"bid {bid.amount} up to {bid.maximum}")
    if key is None and (seen := book.last_seen(item_id)) is not None:
        refuse_early(*seen, bid)
    return await book.update(item_id, lambda auction, at: decide_bid(auction, at, bid), call=call, key=key)
