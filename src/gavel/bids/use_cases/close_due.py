"""The closer: closes auctions whose end has passed."""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.closing import close_due as decide_close
from gavel.bids.ports.book import AuctionBook, Call, DeadlineExceeded, Overloaded, Unavailable
from gavel.bids.ports.due_auctions import DueAuctions

# Commands in the lane at once: several batches, so that it is never idle within a pass.
CLOSER_AUCTIONS_MAX = 1_000

# An auction that can't be closed is retried after a pause, which doubles with each failure.
DEFER_FIRST_SECONDS = 1.0
DEFER_SECONDS_MAX = 60.0
DEFERRED_AUCTIONS_MAX = 1_000

# Errors that would stop any auction from being closed, not only this one.
INTERRUPTIONS = (Unavailable, DeadlineExceeded, Overloaded)


@dataclass(frozen=True, slots=True)
class CloserPass:
    """Result of one pass: the number of auctions handled, and the time until the next end; None if there is none.

    `failed` are auctions that can't be closed as they are, each with its error: a bug, or a row that breaks a rule.
    `interrupted_by` is the reason why others are still due; None if none is.
    """

    auctions: int
    next_end_seconds: float | None
    failed: Mapping[ItemId, Exception]
    interrupted_by: Exception | None


class Deferred:
    """Auctions that could not be closed, each deferred for a while, so that they slow down nothing else.

    Beyond DEFERRED_AUCTIONS_MAX the one that failed longest ago is dropped, and tried again.
    """

    def __init__(self) -> None:
        self._pauses: OrderedDict[ItemId, tuple[float, float]] = OrderedDict()

    def at(self, now_seconds: float) -> frozenset[ItemId]:
        """Auctions whose pause is not over."""
        return frozenset(item_id for item_id, (until, _) in self._pauses.items() if now_seconds < until)

    @property
    def suspects(self) -> frozenset[ItemId]:
        """All auctions that have failed, their pauses over or not."""
        return frozenset(self._pauses)

    def add(self, item_id: ItemId, now_seconds: float) -> float:
        """Defer an auction that has just failed; the pause in seconds."""
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
    """Close up to CLOSER_AUCTIONS_MAX due auctions, the longest overdue first, except those in `leave_alone`.

    Suspects come after the others, so that they share no batch with them. Each is decided under its lock: one that
    another closer has closed, or that a bid has extended, stays as it is. A failure stops no other auction from being
    closed, and leaves its own due. Raises Unavailable if the due auctions can't be read.
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
