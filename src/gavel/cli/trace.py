"""`gavel trace BID_ID`: the history of a bid from its decision to the totals, read from both databases."""

from datetime import datetime

import typer
from rich.table import Table

from gavel.bids.adapters.postgres.reading.bid_trace import BidTrace, bid_trace
from gavel.bids.domain.ids import EventId, canonical_uuid
from gavel.bids.settings import BidDatabaseSettings
from gavel.cli.console import open_console
from gavel.cli.demo import money
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.process.settings import load_settings
from gavel.userstats.adapters.postgres.stats_book import CountedEvent, counted_event
from gavel.userstats.domain.ids import EventId as StatsEventId
from gavel.userstats.settings import StatsDatabaseSettings

# When something happened, where that is known, and what.
Step = tuple[datetime | None, str]

_UNKNOWN_TIME = "time not kept"


class NoSuchBid(typer.BadParameter):
    """No bid has this id."""


async def trace_bid(bid_id: str) -> None:
    """Print the way of a bid with its times, each by the clock of the database it is read from. Raises NoSuchBid."""
    bids, stats = load_settings(BidDatabaseSettings), load_settings(StatsDatabaseSettings)
    canonical = canonical_uuid(bid_id)
    if canonical is None:
        raise NoSuchBid("a bid's id is a UUID of 36 characters")
    way = await _bid_trace(bids.bid_db_url, EventId(canonical))
    counted = await _counted(stats.stats_db_url, StatsEventId(canonical))
    typer.echo(
        f"bid    {canonical}{' (automatic)' if way.automatic else ''}\n"
        f"item   {way.item_id}, seq {way.seq}\n"
        f"user   {way.user_id}\n"
        f"trace  {way.traceparent[3:35] or 'none: its request had no trace context'}\n"
    )
    open_console().print(_table(way.decided_at, steps(way, counted)))


def steps(way: BidTrace, counted: CountedEvent) -> list[Step]:
    """What happened to a bid, in the order in which it happens."""
    steps: list[Step] = [
        (way.decided_at, f"decided at {money(way.amount, way.currency)}"),
        (way.committed_at, "committed in bid_db, and owed to the broker"),
    ]
    if way.owed_since is not None:
        steps.append((None, "still in the outbox"))
    else:
        steps.append((None, "handed to the broker"))
    if counted.counted:
        steps.append((counted.at, "counted in stats_db"))
    elif counted.counted is None:
        steps.append((None, "too long ago for stats_db to know whether it was counted"))
    else:
        steps.append((None, "not counted yet"))
    if way.outbid_seq is not None and way.outbid_amount is not None:
        steps.append((way.outbid_at, f"outbid by seq {way.outbid_seq} at {money(way.outbid_amount, way.currency)}"))
    if way.closed_at is not None:
        steps.append((way.closed_at, "auction closed: this bidder won" if way.won else "auction closed: not won"))
    return steps


def _table(decided_at: datetime, steps: list[Step]) -> Table:
    table = Table("when", "after", "what", box=None)
    for at, what in steps:
        after = "" if at is None else f"{(at - decided_at).total_seconds() * 1000:.1f} ms"
        table.add_row(_UNKNOWN_TIME if at is None else at.isoformat(" ", "microseconds"), after, what)
    return table


async def _bid_trace(url: str, bid_id: EventId) -> BidTrace:
    connection = await postgres.connect(url, "gavel-trace")
    try:
        way = await bid_trace(connection, bid_id)
    finally:
        await connection.close()
    if way is None:
        raise NoSuchBid(f"bid_db has no bid {bid_id}")
    return way


async def _counted(url: str, event_id: StatsEventId) -> CountedEvent:
    connection = await postgres.connect(url, "gavel-trace")
    try:
        return await counted_event(connection, event_id)
    finally:
        await connection.close()
