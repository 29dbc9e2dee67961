"""What an audit finds in a log, and what it is there to find: rows that were written past the guards."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing

from gavel.bids.adapters.postgres.audit.audit_log import FIRST_ID, LAST_ID, check_log
from gavel.bids.adapters.postgres.audit.check import Anchor, ItemCheck
from gavel.bids.domain.auction import ItemId
from gavel.runtime.postgres import connections as postgres
from tests.auction_house import House

NO_ANCHORS: Mapping[ItemId, Sequence[Anchor]] = {}


async def checked(
    house: House,
    first: ItemId = FIRST_ID,
    last: ItemId = LAST_ID,
    anchors: Mapping[ItemId, Sequence[Anchor]] = NO_ANCHORS,
) -> list[ItemCheck]:
    """The checks of a range of items."""
    connection = await postgres.connect(house.url, "tests")
    try:
        async with aclosing(check_log(connection, first, last, anchors)) as checks:
            return [check async for check in checks]
    finally:
        await connection.close()


async def found(house: House, item_id: ItemId, anchor: Anchor | None = None) -> list[str]:
    """What is wrong with one item's log, in words."""
    anchors = {item_id: [anchor]} if anchor else NO_ANCHORS
    [check] = await checked(house, item_id, item_id, anchors)
    assert check.wrong == len(check.findings)
    return [f"{finding.place}: {finding.what}" for finding in check.findings]


async def tamper(house: House, *statements: str) -> None:
    """What the owner of the tables can do: the guards are off meanwhile."""
    async with house.pool.acquire() as connection, connection.transaction():
        tables = ("auctions", "listings", "bids", "item_events", "maximum_raises", "listing_changes")
        for table in tables:
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            await connection.execute(statement)
        for table in tables:
            await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
