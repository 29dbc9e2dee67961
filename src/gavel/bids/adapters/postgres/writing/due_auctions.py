"""Due auctions, and the closer's lateness."""

from collections.abc import Collection, Sequence

import asyncpg
from prometheus_client.core import Metric

from gavel.bids.adapters.postgres.connections import reading
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.events import AuctionClosed
from gavel.bids.ports.book import Change
from gavel.bids.ports.due_auctions import Due
from gavel.runtime.postgres.clock import DatabaseClock
from gavel.runtime.postgres.connections import load_sql
from gavel.runtime.telemetry.histogram import LONG_SECONDS, Histogram
from gavel.runtime.telemetry.metrics import histogram

_READ_CLOCK = load_sql("gavel.bids.adapters.postgres", "read_clock")
_LIST_DUE_AUCTIONS = load_sql(__package__, "list_due_auctions")


class PostgresDueAuctions:
    """DueAuctions on bid_db. Nothing is claimed: any number of closers may ask, and a second close changes nothing.

    While the database's clock is not trusted, nothing is due: a close is for good.
    """

    def __init__(self, pool: asyncpg.Pool, clock: DatabaseClock | None = None) -> None:
        self._pool = pool
        self._clock = clock or DatabaseClock("bid_db")

    async def due(self, limit: int, but: Collection[ItemId]) -> Due:
        """See DueAuctions.due."""
        async with reading(self._pool) as connection:
            if not self._clock.trusts(await connection.fetchval(_READ_CLOCK)):
                return Due((), None)
            # One more row, for the time of the next end.
            rows = await connection.fetch(_LIST_DUE_AUCTIONS, limit + 1, list(but))
        due = tuple(ItemId(row["item_id"]) for row in rows[:limit] if row["seconds_left"] <= 0)
        left = rows[len(due)]["seconds_left"] if len(rows) > len(due) else None
        return Due(due, left)


class CloserMetrics:
    """CommitListener of a closer's book: measures from each auction's end to its close, by the database's clock."""

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
