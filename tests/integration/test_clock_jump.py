"""The database's clock jumps ahead for a minute: nothing is closed, noted as started or forgotten meanwhile."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import asyncpg
import pytest
from structlog.testing import capture_logs

from gavel.bids.adapters.postgres.upkeep.upkeep import PostgresUpkeep
from gavel.bids.adapters.postgres.writing.due_auctions import PostgresDueAuctions
from gavel.runtime.postgres.clock import DatabaseClock
from tests.auction_house import House, open_house

pytestmark = pytest.mark.integration

AHEAD = timedelta(minutes=1)
# A function of the same name that is found before Postgres' own stands for the server's clock.
ADJUSTABLE_CLOCK = """
CREATE SCHEMA adjustable;
CREATE TABLE adjustable.clock (ahead interval NOT NULL);
INSERT INTO adjustable.clock VALUES ('0');
CREATE FUNCTION adjustable.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
'SELECT pg_catalog.clock_timestamp() + ahead FROM adjustable.clock';
CREATE FUNCTION adjustable.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS
'SELECT pg_catalog.statement_timestamp() + ahead FROM adjustable.clock';
"""


@pytest.fixture
async def house(bid_db_url: str) -> AsyncGenerator[House]:
    """A house on a database whose clock the test moves."""
    connection = await asyncpg.connect(bid_db_url)
    await connection.execute(ADJUSTABLE_CLOCK)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f'ALTER DATABASE "{name}" SET search_path = adjustable, pg_catalog, public')
    await connection.close()
    async with open_house(bid_db_url) as opened:
        yield opened


async def _jump(house: House, ahead: timedelta) -> None:
    await house.pool.execute("UPDATE adjustable.clock SET ahead = $1", ahead)


async def test_after_a_jump_nothing_is_closed_or_noted_until_the_clock_is_right(house: House) -> None:
    ends_soon = await house.list_item(ends_in=timedelta(seconds=50))
    starts_soon = await house.list_item(starts_in=timedelta(seconds=50))
    clock = DatabaseClock("bid_db")
    due, upkeep = PostgresDueAuctions(house.pool, clock), PostgresUpkeep(house.pool, clock)
    assert (await due.due(10, ())).item_ids == ()
    with capture_logs() as logs:
        await _jump(house, AHEAD)
        assert (await PostgresDueAuctions(house.pool).due(10, ())).item_ids == (ends_soon,), "the clock did not move"
        for _ in range(2):
            assert (await due.due(10, ())).item_ids == ()
            assert not await upkeep.note_started()
            assert not await upkeep.prune_keys()
        assert not (await house.state(starts_soon))["started"]
        await _jump(house, timedelta())
        assert (await due.due(10, ())).next_end_seconds is not None
    assert [line["event"] for line in logs] == ["database_clock_jumped", "database_clock_trusted_again"]
