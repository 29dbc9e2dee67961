"""The demo's background work: sample auctions that are listed again, and a crowd that bids on all that is open."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from random import Random
from uuid import uuid4

from gavel.bids.adapters.postgres.writing.past import write_past
from gavel.bids.api import OpenBidApi
from gavel.bids.domain.auction import ItemId, Status
from gavel.bids.domain.refusals import BidRefused
from gavel.bids.ports.book import AuctionBook, CommandCall, DeadlineExceeded, Overloaded, Unavailable
from gavel.bids.ports.catalogue import ItemCatalogue
from gavel.bids.use_cases.list_item import list_item
from gavel.bids.use_cases.place_bid import place_bid
from gavel.demo.crowd import choose_bid
from gavel.demo.history import past_hour
from gavel.demo.samples import SAMPLE_SELLER_ID, samples_without
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.process.loops import Loop

# A person's pace: the prices on the first page move every few seconds.
PAUSE_SECONDS = (1.0, 4.0)
# Auctions that the crowd looks at: those that end next.
CROWD_AUCTIONS_MAX = 100
# More than all samples together are listed in the time that the longest one is open.
SAMPLE_ITEMS_MAX = 200
LIST_AGAIN_SECONDS = 2.0
COMMAND_SECONDS_MAX = 10.0

_INTERRUPTIONS = (Unavailable, DeadlineExceeded, Overloaded)


@asynccontextmanager
async def running_demo(
    bids: OpenBidApi, bid_db_url: str, currency: str, *, samples: bool, crowd: bool
) -> AsyncGenerator[None]:
    """Keep the sample auctions listed, and let the crowd bid, inside the context.

    An unused database first gets an hour of history with the samples.
    """
    random = Random()
    async with AsyncExitStack() as stack:
        if samples:
            await write_history(bid_db_url, currency, random)
            again = partial(list_missing, bids.book, bids.catalogue, currency)
            # If the database is too busy now, the loop lists them.
            with suppress(*_INTERRUPTIONS):
                await again()
            listing = Loop("sample_auctions", again, LIST_AGAIN_SECONDS, _INTERRUPTIONS)
            await stack.enter_async_context(listing.running())
        if crowd:
            await stack.enter_async_context(bidding(bids.book, bids.catalogue, random).running())
        yield


async def write_history(bid_db_url: str, currency: str, random: Random) -> bool:
    """Write the past hour into an unused database; return whether it was unused."""
    connection = await postgres.connect(bid_db_url, "gavel-demo")
    try:
        return await write_past(connection, lambda at: past_hour(at, currency, random))
    finally:
        await connection.close()


async def list_missing(book: AuctionBook, catalogue: ItemCatalogue, currency: str) -> bool:
    """List each sample that is not on sale, as any seller would. Raises what list_item and the catalogue raise."""
    views, at = await catalogue.items_of_seller(SAMPLE_SELLER_ID, None, SAMPLE_ITEMS_MAX)
    open_now = [view for view in views if view.auction.status_at(at) is Status.ACTIVE]
    for sample in samples_without(open_now):
        await list_item(book, sample.draft(at), item_id=ItemId(str(uuid4())), currency=currency, call=_call())
    return False


def bidding(book: AuctionBook, catalogue: ItemCatalogue, random: Random) -> Loop:
    """Loop that places a bid of the crowd, by the use case of every bidder, and then pauses for PAUSE_SECONDS."""
    wake = asyncio.Event()

    async def bid() -> bool:
        asyncio.get_running_loop().call_later(random.uniform(*PAUSE_SECONDS), wake.set)
        views, at = await catalogue.items(Status.ACTIVE, "", None, CROWD_AUCTIONS_MAX)
        chosen = choose_bid([view.auction for view in views], at, random)
        if chosen is not None:
            item_id, new_bid = chosen
            # A refusal means that a person was quicker.
            with suppress(BidRefused):
                await place_bid(book, item_id, new_bid, idempotency_key="", call=_call())
        return False

    return Loop("crowd", bid, PAUSE_SECONDS[1], _INTERRUPTIONS, wake)


def _call() -> CommandCall:
    return CommandCall(asyncio.get_running_loop().time() + COMMAND_SECONDS_MAX)
