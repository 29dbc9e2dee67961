"""The schema: made once, by one process at a time, and never in halves."""

import asyncio

import asyncpg
import pytest

from gavel.runtime.postgres import connections as postgres
from gavel.runtime.postgres import migrations as migrations_module
from gavel.runtime.postgres.migrations import Migration, SchemaMismatch, is_current, load_migrations, migrate
from tests.auction_house import until
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.integration

# The last migration of bid_db before those of growth.
RELEASE_0_1 = 7


@pytest.fixture
async def empty_url(postgres_server: PostgresServer):
    async with postgres_server.database("migrations") as url:
        yield url


async def _migrate(url: str, migrations: list[Migration]) -> int:
    connection = await postgres.connect(url, "tests")
    try:
        return await migrate(connection, migrations)
    finally:
        await connection.close()


@pytest.mark.parametrize("package", ["gavel.bids", "gavel.userstats"])
async def test_an_empty_database_becomes_current_and_a_second_run_changes_nothing(empty_url: str, package: str) -> None:
    migrations = load_migrations(package)
    connection = await postgres.connect(empty_url, "tests")
    assert not await is_current(connection, migrations)
    assert await migrate(connection, migrations) == len(migrations) > 0
    assert await is_current(connection, migrations)
    assert await migrate(connection, migrations) == 0
    await connection.close()


@pytest.mark.parametrize("package", ["gavel.bids", "gavel.userstats"])
def test_each_migration_has_a_number_of_its_own(package: str) -> None:
    versions = [migration.version for migration in load_migrations(package)]
    assert versions == list(range(1, len(versions) + 1))


async def test_a_migration_may_take_longer_than_a_statement_may_otherwise(empty_url: str) -> None:
    slow = [Migration(1, "0001_slow.sql", "SELECT pg_sleep(1)")]
    impatient = await asyncpg.connect(empty_url, command_timeout=0.5)
    assert await migrate(impatient, slow) == 1
    await impatient.close()


async def test_of_two_at_once_one_migrates_and_the_other_waits(empty_url: str) -> None:
    migrations = load_migrations("gavel.bids")
    applied = await asyncio.gather(*(_migrate(empty_url, migrations) for _ in range(4)))
    assert sorted(applied) == [0, 0, 0, len(migrations)]


async def test_a_migration_that_waits_for_a_long_reader_blocks_no_other_session(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations_module, "LOCK_SECONDS_MAX", 0.2)
    first = Migration(1, "0001_first.sql", "CREATE TABLE busy (id integer)")
    second = Migration(2, "0002_second.sql", "ALTER TABLE busy ADD COLUMN name text")
    await _migrate(empty_url, [first])
    reader, other = [await asyncpg.connect(empty_url) for _ in range(2)]
    reading = reader.transaction()
    await reading.start()
    await reader.execute("SELECT FROM busy")
    migrating = asyncio.create_task(_migrate(empty_url, [first, second]))

    async def waits() -> bool:
        return await other.fetchval(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'busy'::regclass)"
        )

    await until(waits)
    # Behind the migration it would wait as long as the reader reads.
    await other.execute("SELECT FROM busy", timeout=60)
    assert not migrating.done()
    await reading.rollback()
    assert await migrating == 1
    for connection in (reader, other):
        await connection.close()


async def test_a_migration_that_fails_leaves_nothing_and_can_be_run_again(empty_url: str) -> None:
    first = Migration(1, "0001_first.sql", "CREATE TABLE kept (id integer)")
    broken = Migration(2, "0002_second.sql", "CREATE TABLE half (id integer); SELECT 1 / 0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await _migrate(empty_url, [first, broken])
    mended = Migration(2, "0002_second.sql", "CREATE TABLE half (id integer)")
    assert await _migrate(empty_url, [first, mended]) == 1


async def test_an_edited_migration_is_refused(empty_url: str) -> None:
    await _migrate(empty_url, [Migration(1, "0001_first.sql", "CREATE TABLE one (id integer)")])
    with pytest.raises(SchemaMismatch, match=r"0001_first\.sql was edited"):
        await _migrate(empty_url, [Migration(1, "0001_first.sql", "CREATE TABLE one (id bigint)")])


async def test_a_database_of_a_newer_version_is_refused(empty_url: str) -> None:
    newer = [Migration(1, "0001_one.sql", "SELECT 1"), Migration(2, "0002_two.sql", "SELECT 2")]
    await _migrate(empty_url, newer)
    with pytest.raises(SchemaMismatch, match="does not know"):
        await _migrate(empty_url, newer[:1])


async def test_an_interrupted_build_of_an_index_is_begun_anew_and_writing_goes_on_meanwhile(empty_url: str) -> None:
    first = Migration(1, "0001_first.sql", "CREATE TABLE busy (id integer); INSERT INTO busy VALUES (1), (1)")
    unique = "CREATE UNIQUE INDEX CONCURRENTLY busy_ids ON busy (id);\n"
    index = Migration(
        2,
        "0002_index.sql",
        f"-- Two.\n{unique.replace('UNIQUE ', '')}CREATE INDEX CONCURRENTLY busy_again ON busy (id);\n",
    )
    writer = await asyncpg.connect(empty_url)
    await _migrate(empty_url, [first])
    with pytest.raises(asyncpg.UniqueViolationError):
        await writer.execute(unique)
    assert await writer.fetchval("SELECT NOT indisvalid FROM pg_index WHERE indexrelid = 'busy_ids'::regclass")
    async with writer.transaction():
        await writer.execute("INSERT INTO busy VALUES (2)")
        migrating = asyncio.create_task(_migrate(empty_url, [first, index]))
        other = await asyncpg.connect(empty_url)

        async def waits() -> bool:
            return await other.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")

        await until(waits)
        # The build waits for the transaction, and nothing for the build.
        await other.execute("INSERT INTO busy VALUES (3)", timeout=60)
    assert await migrating == 1
    assert await writer.fetchval("SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = 'busy'::regclass")
    for connection in (writer, other):
        await connection.close()


async def test_bids_with_keys_go_on_while_the_schema_of_the_release_before_is_brought_up_to_date(
    empty_url: str,
) -> None:
    migrations = load_migrations("gavel.bids")
    await _migrate(empty_url, [each for each in migrations if each.version <= RELEASE_0_1])
    done = asyncio.Event()
    bids = [asyncio.create_task(_lock_as_a_lane(empty_url, done)) for _ in range(2)]
    applied = await _migrate(empty_url, migrations)
    done.set()
    batches = await asyncio.gather(*bids)
    assert applied == len(migrations) - RELEASE_0_1
    assert all(each > 0 for each in batches)


async def _lock_as_a_lane(url: str, done: asyncio.Event) -> int:
    """Take the locks that a batch of bids takes, in its order, again and again; the number of batches."""
    connection = await asyncpg.connect(url)
    batches = 0
    while not done.is_set():
        async with connection.transaction():
            await connection.execute("SELECT item_id FROM auctions FOR UPDATE SKIP LOCKED")
            await connection.fetch("SELECT FROM bid_keys")
            await connection.execute("UPDATE auctions SET updated_at = updated_at WHERE false")
            await connection.execute("INSERT INTO bids SELECT * FROM bids WHERE false")
            await connection.execute("INSERT INTO item_events SELECT * FROM item_events WHERE false")
            await connection.execute("INSERT INTO bid_keys SELECT * FROM bid_keys WHERE false")
        batches += 1
    await connection.close()
    return batches
