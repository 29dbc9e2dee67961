"""The closer: ends auctions whose time has come."""

import asyncio
from dataclasses import dataclass

from gavel.bids.domain.closing import close_due as decide_close
from gavel.bids.ports import AuctionBook, Call, DueAuctions

# So many commands wait in the lane at once: several batches, so that it never stands idle within a pass.
CLOSER_AUCTIONS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class CloserPass:
    """What one pass did: how many auctions it saw to, and how long until the next end; None where none is to come."""

    auctions: int
    next_end_seconds: float | None


async def close_due(book: AuctionBook, due_auctions: DueAuctions, *, call: Call) -> CloserPass:
    """Close up to CLOSER_AUCTIONS_MAX due auctions, the longest overdue first.

    Each is decided under its lock: one that another closer was at before, or that a bid has extended, stays as it is.
    One that fails keeps no other from being closed; then its error is raised, and it is due still.
    """
    due = await due_auctions.due(CLOSER_AUCTIONS_MAX)
    results = await asyncio.gather(
        *(book.update(item_id, decide_close, call=call) for item_id in due.item_ids), return_exceptions=True
    )
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return CloserPass(len(due.item_ids), due.next_end_seconds)
