"""Yesterday's stored messages, read by today's consumer: the same statistics."""

from datetime import UTC, datetime

import pytest

from gavel.userstats.adapters.event_codec import EventBatchReader
from gavel.userstats.domain.user_stats import UserChange, fold
from tests.unit.bids.adapters.golden_events import BODIES

ANNA = "a0000000-0000-4000-8000-000000000000"
BELA = "b0000000-0000-4000-8000-000000000000"
SELLER = "5e11e500-0000-4000-8000-000000000000"
ITEM = "00000000-0000-4000-8000-000000000001"
BID_AT = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
CLOSED_AT = datetime(2026, 3, 1, 13, 0, 59, tzinfo=UTC)

STATISTICS = {
    "item.listed": {},
    "bid.placed": {
        ANNA: UserChange(BID_AT, 2, 3_100, BID_AT, 2_100, bid_items={ITEM}),  # type: ignore[arg-type]
        BELA: UserChange(BID_AT, 1, 2_000, BID_AT, 2_000, bid_items={ITEM}),  # type: ignore[arg-type]
    },
    "auction.extended": {},
    "auction.closed": {
        ANNA: UserChange(CLOSED_AT, items_won=1, amount_won=2_100),
        SELLER: UserChange(CLOSED_AT, items_sold=1, amount_sold=2_100),
    },
    "auction.cancelled": {},
}


@pytest.mark.parametrize("routing_key", BODIES)
def test_yesterdays_bytes_give_the_same_statistics(routing_key: str) -> None:
    read = EventBatchReader().read(BODIES[routing_key])
    assert not read.unreadable
    assert len(read.events) > 0
    assert fold(read.events) == STATISTICS[routing_key]
