"""How late auctions are closed."""

from collections.abc import Sequence

from prometheus_client.core import Metric

from gavel.bids.domain.events import AuctionClosed
from gavel.bids.ports.book import Change
from gavel.runtime.telemetry.histogram import LONG_SECONDS, Histogram
from gavel.runtime.telemetry.metrics import histogram


class CloserMetrics:
    """CommitListener of a closer's book: from each auction's end to its close, both by the database's clock."""

    def __init__(self) -> None:
        self.lateness = Histogram(LONG_SECONDS)

    def committed(self, changes: Sequence[Change]) -> None:
        """See CommitListener.committed."""
        for change in changes:
            for event in change.events:
                if isinstance(event, AuctionClosed):
                    self.lateness.observe((event.at - change.auction.end_at).total_seconds())

    async def read(self) -> Sequence[Metric]:
        """Source of the metrics."""
        meaning = "From an auction's end to its close by the closer, by the database's clock."
        return [histogram("gavel_closer_lateness_seconds", meaning, (), {(): self.lateness})]
