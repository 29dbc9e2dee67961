"""`gavel audit`: what it prints, and what its exit status says."""

from pathlib import Path
from uuid import uuid4

import pytest

from gavel.bids.domain.auction import ItemId
from tests.auction_house import House
from tests.e2e.gavel_process import environment, run
from tests.servers.postgres import PostgresServer, url_as

pytestmark = pytest.mark.integration

MAXIMUM = 1_777_666_555_444


@pytest.fixture
async def item_id(new_house: House) -> ItemId:
    """An item that somebody leads with a hidden maximum, beside another item."""
    await new_house.list_item()
    item_id = await new_house.list_item()
    await new_house.bid(item_id, 100, max_amount=MAXIMUM)
    await new_house.bid(item_id, 200)
    return item_id


async def _audit(house: House, *arguments: str, out: bool = True) -> tuple[int, str]:
    return await run("audit", *arguments, env=environment(BID_DB_URL=house.url), out=out)


async def _forge(house: House, statement: str) -> None:
    async with house.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(statement)


async def test_an_untouched_log_has_no_findings_and_exit_status_0(new_house: House, item_id: ItemId) -> None:
    status, said = await _audit(new_house, "verify")
    assert (status, said.strip()) == (
        0,
        "2 items: 5 changes with a digest, 0 from before the chain, 0 heads compared; findings: none",
    )


async def test_a_changed_maximum_is_named_without_its_value_with_status_1(new_house: House, item_id: ItemId) -> None:
    await _forge(new_house, "UPDATE bids SET maximum = maximum + 1 WHERE seq = 2")
    for chosen in ((), ("--item", item_id.upper())):
        status, said = await _audit(new_house, "verify", *chosen)
        assert status == 1
        assert f"{item_id} bids, seq 2: does not follow from the row before it" in said
        assert said.rstrip().endswith("; findings: 1")
        assert str(MAXIMUM)[:-1] not in said


async def test_kept_heads_show_that_a_log_was_removed(new_house: House, item_id: ItemId, tmp_path: Path) -> None:
    status, heads = await _audit(new_house, "heads")
    assert status == 0
    [kept] = [line for line in heads.splitlines() if line.startswith(item_id)]
    assert kept.split()[1:3] == ["4", "4"]
    file = tmp_path / "heads.txt"
    file.write_text(heads, encoding="utf-8")
    status, said = await _audit(new_house, "verify", "--heads", str(file))
    assert (status, "2 heads compared; findings: none" in said) == (0, True), said
    for table in ("bids", "item_events", "listings", "auctions"):
        await _forge(new_house, f"DELETE FROM {table} WHERE item_id = '{item_id}'")
    assert (await _audit(new_house, "verify"))[0] == 0
    status, said = await _audit(new_house, "verify", "--heads", str(file))
    assert (status, f"{item_id} auctions: the item does not exist" in said) == (1, True), said


async def test_invalid_arguments_are_refused_with_status_2(new_house: House, tmp_path: Path) -> None:
    file = tmp_path / "heads.txt"
    file.write_text("nonsense\n", encoding="utf-8")
    missing = tmp_path / "missing"
    for arguments, wrong in (
        (("--item", "7"), "Invalid value: an item id is a UUID of 36 characters"),
        (("--heads", str(file)), f"Invalid value: {file}, line 1: not a line of `gavel audit heads`"),
        (("--heads", str(missing)), f"Invalid value for '--heads': file '{missing}' does not exist."),
    ):
        said = f"gavel audit verify: {wrong} (see gavel audit verify --help)\n"
        assert await _audit(new_house, "verify", *arguments, out=False) == (2, said)
    status, said = await _audit(new_house, "verify", "--item", str(uuid4()))
    assert (status, "the item does not exist" in said) == (1, True)


async def test_a_role_that_may_read_everything_and_nothing_else_can_verify(
    new_house: House, item_id: ItemId, postgres_server: PostgresServer
) -> None:
    async with postgres_server.role("auditor") as role:
        await new_house.pool.execute(f"GRANT pg_read_all_data TO {role}")
        env = environment(BID_DB_URL=url_as(new_house.url, role))
        status, said = await run("audit", "verify", env=env, out=True)
        assert (status, said.rstrip().endswith("findings: none")) == (0, True), said
