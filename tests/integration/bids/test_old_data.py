"""A bid_db of release 0.1 is migrated: its items are listed, counted, audited and bid on as before."""

from datetime import timedelta

import pytest

from gavel.bids.adapters.connect.status_page import StatusPage
from gavel.bids.adapters.postgres.reading.item_catalogue import PostgresItemCatalogue
from gavel.bids.adapters.postgres.upkeep.upkeep import PostgresUpkeep
from gavel.bids.domain.auction import ItemId, Status
from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.migrations import load_migrations, migrate
from tests.auction_house import SELLER, new_user, open_house
from tests.audited_log import found
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.integration

# The last migration of release 0.1.
RELEASED = "0007_row_types.sql"

LIST = """
WITH opened AS (
    INSERT INTO auctions (item_id, seller_id, currency, category, created_at, updated_at, start_at, scheduled_end_at,
                          end_at, start_price, reserve_price, buy_now_price, soft_close_window_seconds,
                          soft_close_extension_seconds, soft_close_max_extension_seconds, increment_fixed,
                          increment_basis_points, seq, revision)
    VALUES ($1, $2, 'USD', '', now() - interval '2 days', now(), now() + $3, now() + $4, now() + $4, 1, 0, 0, 60, 60,
            1800, 1, 0, 1, 1)
), described AS (
    INSERT INTO listings (item_id, title, description, images) VALUES ($1, 'Old', '', '{}')
), keyed AS (
    INSERT INTO item_keys (seller_id, key, request, item_id, created_at) VALUES ($2, $1::text, 'request', $1, now())
)
INSERT INTO item_events (item_id, seq, kind, created_at, price, bid_count, minimum_next_bid, end_at, title)
VALUES ($1, 1, 'listed', now() - interval '2 days', 0, 0, 1, now() + $4, 'Old')
"""
HOUR = timedelta(hours=1)


async def test_items_of_the_first_release_go_on(postgres_server: PostgresServer) -> None:
    migrations = load_migrations("gavel.bids")
    released = [migration for migration in migrations if migration.name <= RELEASED]
    ended, cancelled, running, scheduled = [ItemId(new_user()) for _ in range(4)]
    async with postgres_server.database("old_data") as url:
        connection = await postgres.connect(url, "tests")
        await migrate(connection, released)
        for item_id, starts_in, ends_in in (
            (ended, -2 * HOUR, -HOUR),
            (cancelled, HOUR, 2 * HOUR),
            (running, -HOUR, HOUR),
            (scheduled, HOUR, 2 * HOUR),
        ):
            await connection.execute(LIST, item_id, SELLER, starts_in, ends_in)
        over = "UPDATE auctions SET {} = now(), seq = 2, revision = 2 WHERE item_id = $1"
        await connection.execute(over.format("closed_at"), ended)
        await connection.execute(over.format("cancelled_at"), cancelled)
        await migrate(connection, migrations)
        await connection.close()
        async with open_house(url) as house:
            catalogue = PostgresItemCatalogue(house.pool)
            shown = {
                status: [item.auction.item_id for item in (await catalogue.items(status, "", None, 10))[0]]
                for status in Status
            }
            assert shown == {
                Status.ACTIVE: [running],
                Status.SCHEDULED: [scheduled],
                Status.ENDED: [ended],
                Status.CANCELLED: [cancelled],
            }
            assert (await StatusPage(house.pool, lambda: 0).status())["items_active"] == 1
            assert (await house.bid(running, 100)).auction.price == 100
            assert await found(house, running) == []
            assert not await PostgresUpkeep(house.pool).prune_keys()
            assert await house.pool.fetchval("SELECT count(*) FROM item_keys") == 4
