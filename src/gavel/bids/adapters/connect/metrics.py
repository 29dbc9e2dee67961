"""What became of the bids that were asked for, counted."""

from collections.abc import Sequence

from prometheus_client.core import Metric

from gavel.bids.domain.decision import Answer
from gavel.bids.domain.refusals import BidRefused, InvalidInput, ItemNotFound, KeyReused
from gavel.bids.ports.book import DeadlineExceeded, Overloaded, Unavailable
from gavel.runtime.telemetry.metrics import counter

_REASONS: dict[type[Exception], tuple[str, str]] = {
    InvalidInput: ("refused", "invalid_input"),
    ItemNotFound: ("refused", "item_not_found"),
    KeyReused: ("refused", "key_reused"),
    Overloaded: ("failed", "overloaded"),
    DeadlineExceeded: ("failed", "deadline_exceeded"),
    Unavailable: ("failed", "unavailable"),
}
_UNEXPECTED = ("failed", "unexpected")


class BidMetrics:
    """Counts of PlaceBid by outcome and reason."""

    def __init__(self) -> None:
        self._bids: dict[tuple[str, str], int] = {}

    def answered(self, answer: Answer) -> None:
        """Count a bid that was answered."""
        self._count(("replayed", "") if answer.replayed else ("accepted", ""))

    def raised(self, error: Exception) -> None:
        """Count a bid that was not."""
        if isinstance(error, BidRefused):
            self._count(("refused", error.reason.name.lower()))
        else:
            self._count(_REASONS.get(type(error), _UNEXPECTED))

    def _count(self, key: tuple[str, str]) -> None:
        self._bids[key] = self._bids.get(key, 0) + 1

    async def read(self) -> Sequence[Metric]:
        """Source of the metrics."""
        meaning = (
            "PlaceBid by outcome: accepted, replayed (its key was accepted before), refused by the rules, or failed;"
            " with the reason of the latter two."
        )
        return [counter("gavel_bids_total", meaning, ("outcome", "reason"), self._bids)]
