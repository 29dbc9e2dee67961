"""The closer: ends auctions whose time has come."""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gavel.bids.domain.closing import close_due as decide_close
from gavel.bids.domain.ids import ItemId
from gavel.bids.ports.book import AuctionBook, Call, DeadlineExceeded, Overloaded, Unavailable
from gavel.bids.ports.due_auctions import DueAuctions

# So many commands wait in the lane at once: several batches, so that it never stands idle within a pass.
CLOSER_AUCTIONS_MAX = 1_000

# One that can't be closed is tried again after a pause, which doubles with each failure.
DEFER_FIRST_SECONDS = 1.0
DEFER_SECONDS_MAX = 60.0
DEFERRED_AUCTIONS_MAX = 1_000

# What keeps any auction from being closed, and is no fault of this one.
INTERRUPTIONS = (Unavailable, DeadlineExceeded, Overloaded)


@dataclass(frozen=True, slots=True)
class CloserPass:
    """What one pass did: how many auctions it saw to, and how long until the next end; None where none is to come.

    `failed` are auctions that can't be closed as they are, each with its error: a bug, or a row that breaks a rule.
    `interrupted_by` tells why others are due still; None where none is.
    """

    auctions: int
    next_end_seconds: float | None
    failed: Mapping[ItemId, Exception]
    interrupted_by: Exception | None


class Deferred:
    """Auctions that could not be closed, each left alone for a while, so that they slow down nothing else.

    Of more than LEFT_ALONE_AUCTIONS_MAX the one that failed longest ago is forgotten, and tried again.
    """

    def __init__(self) -> None:
        self._pauses: OrderedDict[ItemId, tuple[float, float]] = OrderedDict()

    def at(self, now_seconds: float) -> frozenset[ItemId]:
        """Those whose pause is not over."""
        return frozenset(item_id for item_id, (until, _) in self._pauses.items() if now_seconds < until)

    @property
    def suspects(self) -> frozenset[ItemId]:
        """All that have failed, their pauses over or not."""
        return frozenset(self._pauses)

    def add(self, item_id: ItemId, now_seconds: float) -> float:
        """Leave an auction alone that has failed now; for how many seconds."""
        _, before = self._pauses.pop(item_id, (0.0, 0.0))
        pause = min(max(DEFER_FIRST_SECONDS, 2 * before), DEFER_SECONDS_MAX)
        self._pauses[item_id] = now_seconds + pause, pause
        if len(self._pauses) > DEFERRED_AUCTIONS_MAX:
            self._pauses.popitem(last=False)
        return pause


async def close_due(
    book: AuctionBook,
    due_auctions: DueAuctions,
    leave_alone: Collection[ItemId],
    *,
    call: Call,
    suspects: Collection[ItemId] = (),
) -> CloserPass:
    """Close up to CLOSER_AUCTIONS_MAX due auctions, the longest overdue first, but for those to leave alone.

    Suspects come after the others, so that they share no batch with them. Each is decided under its lock: one that
    another closer was at before, or that a bid has extended, stays as it is. One that fails keeps no other from being
    closed, and is due still. Raises Unavailable where none could be asked for.
    """
    due = await due_auctions.due(CLOSER_AUCTIONS_MAX, leave_alone)
    errors: dict[ItemId, Exception] = {}
    for item_ids in (
        [item_id for item_id in due.item_ids if item_id not in suspects],
        [item_id for item_id in due.item_ids if item_id in suspects],
    ):
        results = await asyncio.gather(
            *(book.update(item_id, decide_close, call=call) for item_id in item_ids), return_exceptions=True
        )
        errors |= {
            item_id: result for item_id, result in zip(item_ids, results, strict=True) if isinstance(result, Exception)
        }
    failed = {item_id: error for item_id, error in errors.items() if not isinstance(error, INTERRUPTIONS)}
    interrupted_by = next((error for error in errors.values() if isinstance(error, INTERRUPTIONS)), None)
    return CloserPass(len(due.item_ids), due.next_end_seconds, failed, interrupted_by)
