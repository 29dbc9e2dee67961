"""The end, by the database's clock read under the lock: whoever waits past it is refused, whatever clock they have."""

import asyncio
import re
from datetime import timedelta

import pytest

from gavel.bids.domain.auction import SoftClose
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.decision import Answer
from gavel.bids.domain.ids import ItemId
from gavel.bids.domain.refusals import BidRefusal, BidRefused
from tests.auction_house import House, open_house, until
from tests.house.tree import calls, named, python_files

pytestmark = [pytest.mark.integration, pytest.mark.race]

WALL_CLOCK = re.compile(r"(datetime\.(now|utcnow|today)|date\.today|time\.(time|localtime|gmtime)\w*)$")
NO_EXTENSION = SoftClose(window_seconds=0)


async def test_a_bid_that_waits_on_the_lock_past_the_end_is_refused(house: House) -> None:
    item_id = await house.list_item(ends_in=timedelta(seconds=0.4), soft_close=NO_EXTENSION)

    async def over() -> bool:
        return await house.pool.fetchval("SELECT clock_timestamp() >= end_at FROM auctions WHERE item_id = $1", item_id)

    async with house.lock_held(item_id) as release:
        bid = asyncio.create_task(house.bid(item_id, 5))
        await house.until_lane_waits()
        assert not await over()
        await until(over)
        await release()
    with pytest.raises(BidRefused) as refused:
        await bid
    assert refused.value.reason is BidRefusal.ENDED
    assert await house.amounts(item_id) == []


async def test_bids_against_the_close_leave_one_close_and_the_highest_bidder_as_winner(
    shared_bid_db_url: str,
) -> None:
    async with open_house(shared_bid_db_url) as one, open_house(shared_bid_db_url) as two:
        for _ in range(5):
            item_id = await one.list_item(ends_in=timedelta(seconds=0.25), soft_close=NO_EXTENSION)

            async def bidder(house: House, amounts: range, item_id: ItemId = item_id) -> list[Answer]:
                accepted: list[Answer] = []
                for amount in amounts:
                    try:
                        accepted.append(await house.bid(item_id, amount))
                    except BidRefused as refused:
                        if refused.reason is BidRefusal.ENDED:
                            break
                return accepted

            async def closer(house: House, item_id: ItemId = item_id) -> None:
                while (await house.decide(item_id, close_due)).auction.closed_at is None:
                    pass

            results = await asyncio.gather(
                bidder(one, range(1, 100_000, 2)), bidder(two, range(2, 100_000, 2)), closer(one), closer(two)
            )
            accepted = [answer for answers in results if answers is not None for answer in answers]
            closes = await one.pool.fetch("SELECT * FROM item_events WHERE item_id = $1 AND kind = 'closed'", item_id)
            assert len(closes) == 1
            assert all(answer.at < answer.auction.end_at for answer in accepted)
            highest = max(accepted, key=lambda answer: answer.auction.price, default=None)
            if highest is not None:
                assert (str(closes[0]["leader_id"]), closes[0]["price"]) == (
                    highest.auction.leader_id,
                    highest.auction.price,
                )


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
