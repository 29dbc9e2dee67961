"""The role of the bid API and the bid worker: it does all that they do, and nothing that would rewrite what was bid."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from gavel.bids.adapters.postgres.outbox.outbox import PostgresOutbox
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.changing import cancel_item, update_item
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.listing import Draft
from gavel.bids.domain.texts import Listing, listing_changes
from gavel.bids.ports.outbox import OutboxMessage
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.migrations import is_current, load_migrations
from tests.auction_house import SELLER, House, new_user, open_house
from tests.integration.roles.service_roles import explain, granted, sqlstate, statements
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.integration

ADAPTERS = "gavel.bids.adapters"
# `gavel audit verify` reads these as the owner, or as somebody who may read everything.
OPERATORS = {"read_audited_raises", "read_audited_changes"}
INSUFFICIENT_PRIVILEGE = "42501"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def urls(postgres_server: PostgresServer) -> AsyncGenerator[tuple[str, str]]:
    """The owner's URL, and the role's."""
    async with granted(postgres_server, "gavel.bids", "bid_template", "Bids-app") as urls:
        yield urls


@pytest.fixture
async def house(urls: tuple[str, str]) -> AsyncGenerator[House]:
    """A house that is run as the role."""
    async with open_house(urls[1]) as opened:
        yield opened


@pytest.mark.parametrize(("package", "name"), statements(ADAPTERS))
async def test_every_statement_of_the_services_is_allowed_and_no_other(
    urls: tuple[str, str], package: str, name: str
) -> None:
    if name in OPERATORS:
        with pytest.raises(postgres.DATABASE_ERRORS, match="permission denied"):
            await explain(urls[1], package, name)
    else:
        await explain(urls[1], package, name)


async def test_a_whole_auction_and_its_relay_run_as_the_role(house: House, urls: tuple[str, str]) -> None:
    anna, bela = new_user(), new_user()
    item_id = await house.list_item(reserve_price=150, buy_now_price=900)
    await house.decide(item_id, lambda auction, at: update_item(auction, at, SELLER, listing_changes(title="Better")))
    first = await house.bid(item_id, 100, by=anna, max_amount=200, key="once")
    again = await house.bid(item_id, 100, by=anna, max_amount=200, key="once")
    assert (again.replayed, again.bid) == (True, first.bid)
    await house.bid(item_id, 101, by=anna, max_amount=300)
    await house.bid(item_id, 400, by=bela)
    await house.bid(await house.list_item(buy_now_price=500), 400)
    bought = await house.list_item(buy_now_price=500)
    await house.decide(bought, lambda auction, at: buy_now(auction, at, anna))
    unwanted = await house.list_item()
    draft = Draft(seller_id=SELLER, listing=Listing(title="A vase"), end_at=first.auction.end_at, start_price=1)
    listed = [(await house.list_draft(draft, key="once")).auction.item_id for _ in range(2)]
    assert listed[0] == listed[1]
    await house.decide(unwanted, lambda auction, at: cancel_item(auction, at, SELLER))
    async with open_house(urls[0]) as owners:
        await owners.end_now(item_id)
    closed = await house.decide(item_id, close_due)
    assert (closed.auction.leader_id, closed.auction.sold) == (bela, True)
    published: list[OutboxMessage] = []

    async def publish(messages: object) -> None:
        published.extend(messages)  # type: ignore[arg-type]

    await PostgresOutbox(house.pool).relay(publish, 1_000)
    assert sum(message.event_count for message in published) > 10
    assert await house.owed_events() == 0
    async with house.pool.acquire() as connection:
        assert await is_current(connection, load_migrations("gavel.bids"))  # type: ignore[arg-type]


FORBIDDEN = [
    "UPDATE bids SET amount = 1",
    "DELETE FROM bids",
    "TRUNCATE bids",
    "DROP TABLE bids",
    "ALTER TABLE bids DISABLE TRIGGER bids_append_only",
    "DROP TRIGGER bids_append_only ON bids",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "SET session_replication_role = replica",
    "UPDATE item_events SET title = ''",
    "DELETE FROM item_events",
    "UPDATE maximum_raises SET maximum = 1",
    "DELETE FROM maximum_raises",
    "UPDATE listing_changes SET title = ''",
    "DELETE FROM listing_changes",
    "UPDATE bid_keys SET bid_seq = 1",
    "UPDATE item_keys SET item_id = gen_random_uuid()",
    "DELETE FROM standings",
    "UPDATE auctions SET reserve_price = 1",
    "UPDATE auctions SET seller_id = gen_random_uuid()",
    "DELETE FROM auctions",
    "DELETE FROM listings",
    "UPDATE outbox SET body = ''",
    "TRUNCATE outbox",
    "UPDATE open_auction_counts SET auctions = 0",
    "UPDATE installation SET page_token_secret = ''",
    "INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, '', '')",
    "CREATE TABLE mine (id integer)",
    "CREATE SCHEMA mine",
    "CREATE INDEX mine ON bids (amount)",
    "CREATE ROLE mine",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_what_would_rewrite_the_log_or_alter_the_schema_is_refused(urls: tuple[str, str], statement: str) -> None:
    assert await sqlstate(urls[1], statement) == INSUFFICIENT_PRIVILEGE


async def test_a_temporary_table_catches_nothing_that_runs_with_the_owners_rights(
    house: House, urls: tuple[str, str]
) -> None:
    connection = await postgres.connect(urls[1], "tests")
    try:
        async with connection.transaction():
            await connection.execute("CREATE TEMPORARY TABLE open_auction_counts (part integer, auctions bigint)")
            await connection.execute(
                "INSERT INTO open_auction_counts SELECT part, 0 FROM generate_series(0, 15) AS part"
            )
            # What is listed fires the trigger; listing goes on another connection, hence by hand on this one.
            item_id = await house.list_item()
            await connection.execute(
                "UPDATE auctions SET cancelled_at = end_at - interval '1 s', seq = seq + 1,"
                " revision = revision + 1 WHERE item_id = $1",
                item_id,
            )
            caught = await connection.fetchval("SELECT count(*) FROM pg_temp.open_auction_counts WHERE auctions <> 0")
    finally:
        await connection.close()
    assert caught == 0
