"""Place a bid on an item."""

from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.bidding import NewBid, refuse_early
from gavel.bids.domain.bidding import place_bid as decide_bid
from gavel.bids.domain.decision import Answer, RetryKey
from gavel.bids.ports.book import Answered, AuctionBook, Call, Submitted, answer_of


def submit_bid(
    book: AuctionBook, item_id: ItemId, bid: NewBid, answered: Answered, *, idempotency_key: str, call: Call
) -> Submitted:
    """Submit a bid, to be decided under the item's lock; `answered` is called as AuctionBook.submit describes.

    A bid that a state seen earlier shows to be too low, and that no key can turn into a replay, is refused
    without the database. Raises that BidRefused at once; then there is no other answer.
    """
    request = f"bid {bid.amount} up to {bid.maximum}"
    key = RetryKey(bid.user_id, idempotency_key, request) if idempotency_key else None
    if key is None and (seen := book.last_seen(item_id)) is not None and bid.amount < seen.auction.minimum_next_bid:
        refuse_early(seen.auction, seen.now(), bid)
    return book.submit(item_id, lambda auction, at: decide_bid(auction, at, bid), answered, call=call, key=key)


async def place_bid(book: AuctionBook, item_id: ItemId, bid: NewBid, *, idempotency_key: str, call: Call) -> Answer:
    """Submit a bid and wait for its answer. Raises BidRefused, and what update raises."""
    return await answer_of(
        lambda answered: submit_bid(book, item_id, bid, answered, idempotency_key=idempotency_key, call=call)
    )
