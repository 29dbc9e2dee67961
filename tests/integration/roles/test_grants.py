"""`gavel migrate` with GRANT_TO: who gets what, said in words where it can't be."""

import pytest

from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres.grants import RoleUnfit
from gavel.runtime.postgres.migrations import load_migrations, migrate_database
from tests.e2e.gavel_process import environment, run
from tests.integration.roles.service_roles import sqlstate
from tests.servers.postgres import PostgresServer, url_as

pytestmark = pytest.mark.integration

RIGHTS = """
SELECT relname, attname, relacl::text, attacl::text
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 2
"""


async def _rights(url: str) -> list[tuple[object, ...]]:
    connection = await postgres.connect(url, "tests")
    try:
        return [tuple(row) for row in await connection.fetch(RIGHTS)]
    finally:
        await connection.close()


async def test_the_command_grants_and_a_second_run_changes_nothing(postgres_server: PostgresServer) -> None:
    async with (
        postgres_server.role("grants_a") as first,
        postgres_server.role("grants_b") as second,
        postgres_server.database("grants_db") as url,
    ):
        env = environment(BID_DB_URL=url, GRANT_TO=f"{first}, {second}")
        status, said = await run("migrate", "bids", env=env, out=True)
        assert (status, said.endswith(f"bids: {len(load_migrations('gavel.bids'))} migrations applied\n")) == (0, True)
        rights = await _rights(url)
        assert await run("migrate", "bids", env=env, out=True) == (0, "bids: already current\n")
        assert await _rights(url) == rights
        for role in (first, second):
            assert await sqlstate(url_as(url, role), "SELECT FROM bids") == ""


async def test_what_a_role_had_beyond_its_needs_is_taken_back(postgres_server: PostgresServer) -> None:
    async with postgres_server.role("grants_c") as role, postgres_server.database("grants_db", "bid_template") as url:
        assert await sqlstate(url, f"GRANT ALL ON bids, auctions TO {role}") == ""
        assert await sqlstate(url, f"GRANT CREATE ON SCHEMA public TO {role}") == ""
        await migrate_database(url, "gavel.bids", [role])
        for statement in ("TRUNCATE bids", "UPDATE auctions SET start_price = 1", "CREATE TABLE mine (id integer)"):
            assert await sqlstate(url_as(url, role), statement) == "42501"


async def test_a_role_that_does_not_exist_is_named_and_no_role_is_granted_anything(
    postgres_server: PostgresServer,
) -> None:
    async with postgres_server.role("grants_d") as role, postgres_server.database("grants_db", "bid_template") as url:
        before = await _rights(url)
        status, said = await run("migrate", "bids", env=environment(BID_DB_URL=url, GRANT_TO=f"{role},nobody_here"))
        assert (status, "there is no role nobody_here" in said, "Traceback" in said) == (2, True, False), said
        assert await _rights(url) == before


async def test_a_role_that_may_do_everything_is_refused(postgres_server: PostgresServer) -> None:
    async with postgres_server.database("grants_db", "bid_template") as url:
        connection = await postgres.connect(url, "tests")
        owner: str = await connection.fetchval("SELECT current_user")
        await connection.close()
        with pytest.raises(RoleUnfit, match=f"the role {owner} may do all that the owner may"):
            await migrate_database(url, "gavel.bids", [owner])


@pytest.mark.parametrize("name", ['a"b', "a b", "1a", "x" * 64])
async def test_a_name_that_no_role_has_is_a_mistake_in_the_settings(name: str) -> None:
    env = environment(STATS_DB_URL="postgresql://gavel@127.0.0.1:1/stats_db", GRANT_TO=name)
    status, said = await run("migrate", "stats", env=env)
    assert status == 2
    assert "GRANT_TO" in said
    assert "Invalid configuration" in said
