"""`gavel trace BID_ID`: the history of a bid from its decision to the totals, read from both databases."""

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from gavel.bids.adapters.postgres.reading.bid_trace import BidTrace, bid_trace
from gavel.bids.domain.auction import EventId, canonical_uuid
from gavel.bids.settings import BidDatabaseSettings
from gavel.cli.command_errors import run
from gavel.cli.console import money, open_console
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.process.settings import load_settings
from gavel.userstats.adapters.postgres.stats_book import CountedEvent, counted_event
from gavel.userstats.domain.ids import EventId as StatsEventId
from gavel.userstats.settings import StatsDatabaseSettings

# When something happened (None: not recorded), and what.
Step = tuple[datetime | None, str]

_UNKNOWN_TIME = "not recorded"


class NoSuchBid(typer.BadParameter):
    """No bid has this id."""


def trace(bid_id: Annotated[str, typer.Argument(help="The bid's id, from PlaceBid or GetItemBids.")]) -> None:
    """Show the history of a bid with its times: decided, committed, published, counted, outbid."""
    run(lambda: _trace(bid_id))


async def _trace(bid_id: str) -> None:
    """Print a bid's history. Each time is by the clock of the database that it is read from. Raises NoSuchBid."""
    bids, stats = load_settings(BidDatabaseSettings), load_settings(StatsDatabaseSettings)
    canonical = canonical_uuid(bid_id)
    if canonical is None:
        raise NoSuchBid("a bid id is a UUID of 36 characters")
    bid = await _bid_trace(bids.bid_db_url, EventId(canonical))
    counted = await _counted(stats.stats_db_url, StatsEventId(canonical))
    typer.echo(
        f"bid    {canonical}{' (automatic)' if bid.automatic else ''}\n"
        f"item   {bid.item_id}, seq {bid.seq}\n"
        f"user   {bid.user_id}\n"
        f"trace  {bid.traceparent[3:35] or 'none: its request had no trace context'}\n"
    )
    open_console().print(_table(bid.decided_at, steps(bid, counted)))


def steps(bid: BidTrace, counted: CountedEvent) -> list[Step]:
    """The steps of a bid's history, in order."""
    steps: list[Step] = [
        (bid.decided_at, f"decided at {money(bid.amount, bid.currency)}"),
        (bid.committed_at, "committed in bid_db, with its event in the outbox"),
    ]
    if bid.owed_since is not None:
        steps.append((None, "still in the outbox"))
    else:
        steps.append((None, "published to the broker"))
    if counted.counted:
        steps.append((counted.at, "counted in stats_db"))
    elif counted.counted is None:
        steps.append((None, "older than the event ids that stats_db keeps: it may have been counted"))
    else:
        steps.append((None, "not counted yet"))
    if bid.outbid_seq is not None and bid.outbid_amount is not None:
        steps.append((bid.outbid_at, f"outbid by seq {bid.outbid_seq} at {money(bid.outbid_amount, bid.currency)}"))
    if bid.closed_at is not None:
        steps.append((bid.closed_at, "auction closed: this bidder won" if bid.won else "auction closed: not won"))
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
        bid = await bid_trace(connection, bid_id)
    finally:
        await connection.close()
    if bid is None:
        raise NoSuchBid(f"bid_db has no bid {bid_id}")
    return bid


async def _counted(url: str, event_id: StatsEventId) -> CountedEvent:
    connection = await postgres.connect(url, "gavel-trace")
    try:
        return await counted_event(connection, event_id)
    finally:
        await connection.close()
