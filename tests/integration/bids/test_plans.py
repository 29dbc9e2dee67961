"""Plans: made once while tables are empty, and right when they are full. Nothing on the way of a bid reads a table."""

import asyncpg
import pytest

from gavel.bids.adapters.postgres.feed.recorded_log import LOG_SETTINGS
from gavel.bids.adapters.postgres.outbox.outbox import CLAIM_SETTINGS
from gavel.bids.adapters.postgres.writing.batch import prepare_session
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.connections import load_sql
from tests.auction_house import House

pytestmark = pytest.mark.integration

WRITING = "gavel.bids.adapters.postgres.writing"
OUTBOX = "gavel.bids.adapters.postgres.outbox"
FEED = "gavel.bids.adapters.postgres.feed"
LANE_STATEMENTS = [
    "lock_free_auctions",
    "lock_auction",
    "read_locked",
    "read_bids_by_seq",
    "write_decisions",
    "change_listings",
]


async def _plan(connection: asyncpg.Connection, package: str, name: str) -> str:
    """The plan that a session keeps for a statement, whatever its parameters."""
    await connection.execute(f"PREPARE planned AS {load_sql(package, name)}")
    parameters = await connection.fetchval(
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'planned'"
    )
    rows = await connection.fetch(f"EXPLAIN EXECUTE planned ({', '.join(['NULL'] * parameters)})")
    await connection.execute("DEALLOCATE planned")
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("name", LANE_STATEMENTS)
async def test_the_lanes_plans_on_empty_tables_find_rows_by_key(new_house: House, name: str) -> None:
    connection = await postgres.connect(new_house.url, "tests")
    try:
        assert "Seq Scan" in await _plan(connection, WRITING, "lock_free_auctions"), "the danger is not there any more"
        await prepare_session(connection)
        plan = await _plan(connection, WRITING, name)
        assert "Seq Scan" not in plan
        assert "Hash Join" not in plan
    finally:
        await connection.close()


async def test_the_relays_plan_on_an_empty_outbox_finds_rows_by_address(new_house: House) -> None:
    connection = await postgres.connect(new_house.url, "tests")
    try:
        assert "Seq Scan" in await _plan(connection, OUTBOX, "claim_outbox"), "the danger is not there any more"
        await connection.execute(f"BEGIN; {CLAIM_SETTINGS}")
        plan = await _plan(connection, OUTBOX, "claim_outbox")
        assert "Tid Scan" in plan
        assert "Index Scan using outbox_pkey" in plan
        assert "Seq Scan" not in plan
    finally:
        await connection.close()


@pytest.mark.parametrize("name", ["count_recorded", "read_bids_of_second", "read_events_of_second"])
async def test_the_plans_by_time_on_an_empty_log_use_its_index_of_times(new_house: House, name: str) -> None:
    connection = await postgres.connect(new_house.url, "tests")
    try:
        await connection.execute(f"BEGIN; {LOG_SETTINGS}")
        plan = await _plan(connection, FEED, name)
        assert "_by_time" in plan
        assert "Seq Scan" not in plan
    finally:
        await connection.close()
