"""The end, by the database's clock read under the lock: a bid that waits past it is refused on any machine."""

import asyncio
import re

import pytest

from gavel.bids.domain.auction import SoftClose
from gavel.bids.domain.refusals import BidRefusal, BidRefused
from gavel.runtime.postgres import connections as postgres
from tests.auction_house import House
from tests.house.tree import calls, named, python_files

pytestmark = [pytest.mark.integration, pytest.mark.race]

WALL_CLOCK = re.compile(r"(datetime\.(now|utcnow|today)|date\.today|time\.(time|localtime|gmtime)\w*)$")


@pytest.mark.fault
async def test_a_bid_that_waits_on_the_lock_past_the_end_is_refused(house: House) -> None:
    item_id = await house.list_item(soft_close=SoftClose(window_seconds=0))
    connection = await postgres.connect(house.url, "tests-lock")
    try:
        await connection.execute("BEGIN; SET LOCAL session_replication_role = replica")
        await connection.execute("SELECT FROM auctions WHERE item_id = $1 FOR UPDATE", item_id)
        bid = asyncio.create_task(house.bid(item_id, 5))
        await house.until_lane_waits()
        # It ends now: the bid was on its way before, and is decided after.
        await connection.execute("UPDATE auctions SET end_at = clock_timestamp() WHERE item_id = $1", item_id)
        await connection.execute("COMMIT")
    finally:
        await connection.close()
    with pytest.raises(BidRefused) as refused:
        await bid
    assert refused.value.reason is BidRefusal.ENDED
    assert await house.amounts(item_id) == []


def test_no_part_of_a_bids_way_reads_the_clock_of_its_machine() -> None:
    """So that an application clock which is an hour off changes nothing: every time is the database's."""
    way = [
        path
        for folder in ("domain", "use_cases", "adapters")
        for path in python_files(f"src/gavel/bids/{folder}")
        if folder != "adapters" or path.stem.startswith(("lane", "postgres", "wire"))
    ]
    assert len(way) > 20
    read = [f"{named(path)}:{line} {call}" for path in way for call, line in calls(path) if WALL_CLOCK.search(call)]
    assert read == []
