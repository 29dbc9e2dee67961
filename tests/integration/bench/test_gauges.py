"""A gauge is looked at until it has come to its end, and one that does not is reported."""

import asyncpg
import pytest

from gavel_tools.bench.case import MeasurementFailed
from gavel_tools.bench.systems import gauges
from gavel_tools.bench.systems.backlog import owe_bids
from gavel_tools.bench.systems.gauges import Gauge, looking_into

pytestmark = pytest.mark.integration


async def test_what_is_owed_shows_and_is_waited_for(bid_db_url: str, bid_pool: asyncpg.Pool) -> None:
    await owe_bids(bid_db_url, 100)
    async with looking_into(bid_db_url) as database:
        assert await database.shows(Gauge.OWED_EVENTS) == 100
        await database.reaches(Gauge.OWED_EVENTS, 100)
        await bid_pool.execute("TRUNCATE outbox")
        await database.reaches(Gauge.OWED_EVENTS, 0)


async def test_an_end_that_moves_meanwhile_is_followed(bid_db_url: str) -> None:
    await owe_bids(bid_db_url, 100)
    ends = [0, 60, 100]

    async def end() -> int:
        return ends.pop(0)

    async with looking_into(bid_db_url) as database:
        assert await database.follows(Gauge.OWED_EVENTS, end) == 100
    assert not ends


async def test_what_stands_still_is_given_up(bid_db_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "REACH_SECONDS_MAX", 0.2)
    await owe_bids(bid_db_url, 100)
    async with looking_into(bid_db_url) as database:
        with pytest.raises(MeasurementFailed, match="OWED_EVENTS is 100"):
            await database.reaches(Gauge.OWED_EVENTS, 0)
        with pytest.raises(MeasurementFailed, match="OWED_EVENTS is 100"):
            await database.follows(Gauge.OWED_EVENTS, lambda: database.shows(Gauge.PLACED_BIDS))
        with pytest.raises(MeasurementFailed, match="does not move"):
            await database.moves(Gauge.OWED_EVENTS, lambda: None, 0)
