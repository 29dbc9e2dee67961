"""`gavel trace BID_ID`: one bid's way, from what is stored."""

import re
from uuid import uuid4

import pytest

from gavel.runtime.postgres import connections as postgres
from gavel_tools.local_servers.stack import Stack
from tests.e2e.four_processes import StackClient, run_command
from tests.e2e.gavel_process import environment, run
from tests.e2e.seen.callers import traceparent
from tests.servers.rabbitmq_broker import until

# To start all of it takes long where the machine has much else to do.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

STEP = re.compile(
    r"^ *(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00|not recorded) +(?:(-?[\d.]+) ms +)?(\S.*?) *$", re.MULTILINE
)


async def _nothing_owed(stack: Stack) -> None:
    """A relay lets go of a row a moment after its events were confirmed, by then they may be counted."""
    connection = await postgres.connect(stack.postgres.server.url("bid_db"), "tests")

    async def empty() -> bool:
        return await connection.fetchval("SELECT count(*) FROM outbox") == 0

    try:
        await until(empty)
    finally:
        await connection.close()


async def test_it_has_a_bids_decision_commit_counting_and_fate_with_their_times(
    stack: Stack, four: StackClient
) -> None:
    item_id, anna, bela, trace_id = await four.list_item(buyNowPrice=500), str(uuid4()), str(uuid4()), uuid4().hex
    maximum = 1_777_666_555_444
    mine = await four.ok(
        "PlaceBid", {"itemId": item_id, "userId": anna, "amount": 100}, traceparent=traceparent(trace_id)
    )
    await four.ok("PlaceBid", {"itemId": item_id, "userId": bela, "amount": 250, "maxAmount": maximum})
    await four.stats_once(anna, total_bids=1)
    await four.stats_once(bela, total_bids=1)
    await _nothing_owed(stack)
    told = await run_command(stack, "trace", mine["bid"]["id"].upper())
    assert f"bid    {mine['bid']['id']}\nitem   {item_id}, seq 2\nuser   {anna}\ntrace  {trace_id}\n" in told
    steps = STEP.findall(told)
    assert [what for _, _, what in steps] == [
        "decided at 1.00 USD",
        "committed in bid_db, with its event in the outbox",
        "published to the broker",
        "counted in stats_db",
        "outbid by seq 3 at 2.50 USD",
    ]
    known = [at for at, _, _ in steps if at != "not recorded"]
    assert len(known) == 4
    assert known[:3] == sorted(known[:3])
    assert mine["bid"]["createdAt"].rstrip("Z").replace("T", " ") in known[0]
    assert str(maximum) not in told


async def test_an_id_that_no_bid_has_is_refused_in_words(stack: Stack) -> None:
    server = stack.postgres.server
    env = environment(BID_DB_URL=server.url("bid_db"), STATS_DB_URL=server.url("stats_db"))
    for bid_id, words in ((str(uuid4()), "has no bid"), ("bid-1", "UUID"), ("f" * 8 + str(uuid4())[8:], "has no bid")):
        status, said = await run("trace", bid_id, env=env)
        assert (status, words in said, "Traceback" in said) == (2, True, False), said
