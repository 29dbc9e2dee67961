"""A made-up backlog is to the relay and the counter like one of bids."""

import asyncpg
import pytest

from gavel.userstats.adapters.event_codec import EventBatchReader
from gavel.userstats.domain.events import BidPlaced
from gavel_tools.bench.systems import backlog
from gavel_tools.bench.systems.backlog import ROW_EVENTS, owe_bids

pytestmark = pytest.mark.integration


async def test_each_event_of_a_backlog_is_another_bid_packed_as_a_batch_of_the_lane_packs_them(
    bid_db_url: str, bid_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "INSERT_ROWS_MAX", 2)
    count = 5 * ROW_EVENTS + 3
    await owe_bids(bid_db_url, count)
    rows = await bid_pool.fetch("SELECT routing_key, event_count, body FROM outbox ORDER BY id")
    assert [row["event_count"] for row in rows] == [ROW_EVENTS] * 5 + [3]
    assert {row["routing_key"] for row in rows} == {"bid.placed"}
    read = [EventBatchReader().read(row["body"]) for row in rows]
    assert not any(batch.unreadable for batch in read)
    bids = [event for batch in read for event in batch.events if isinstance(event, BidPlaced)]
    assert len({bid.event_id for bid in bids}) == count
    assert len({bid.user_id for bid in bids}) > 100
