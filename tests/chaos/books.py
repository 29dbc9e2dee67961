"""The books after a run: what both databases and the broker hold, against each other."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass

import asyncpg

from gavel.bids.adapters.postgres.audit.audit_log import FIRST_ID, LAST_ID, check_log
from gavel.runtime.postgres import connections as postgres
from gavel.userstats.adapters.rabbitmq.event_source import STATS_EVENTS
from gavel_tools.local_servers.stack import Stack

SETTLED_SECONDS_MAX = 30.0
POLL_SECONDS = 0.2

EVENTS = "(SELECT item_id, seq FROM bids UNION ALL SELECT item_id, seq FROM item_events)"
ITEMS_WITH_A_GAP = f"""
    SELECT count(*) FROM auctions LEFT JOIN (
        SELECT item_id, count(*) AS events, count(DISTINCT seq) AS seqs, max(seq) AS last FROM {EVENTS} AS e GROUP BY 1
    ) AS log USING (item_id)
    WHERE (log.events, log.seqs, log.last) IS DISTINCT FROM (seq, seq, seq)"""
BIDS_BELOW_THE_LAST = """
    SELECT count(*) FROM (
        SELECT amount, automatic, lag(amount) OVER (PARTITION BY item_id ORDER BY seq) AS before FROM bids
    ) AS pairs
    WHERE amount < before OR (amount = before AND NOT automatic)"""
BY_BIDDER = "SELECT user_id, count(*) AS bids, sum(amount) AS amount, max(amount) AS highest FROM bids GROUP BY 1"
TOTALS = """
    SELECT user_id, total_bids AS bids, total_amount AS amount, highest_bid AS highest
    FROM user_stats WHERE total_bids > 0"""


@dataclass(frozen=True, slots=True)
class Books:
    """What there is, and what should be 0."""

    facts: Mapping[str, int]
    wrong: Mapping[str, int]


async def read_books(stack: Stack) -> Books:
    """Read them once nothing is owed any more, or it takes too long."""
    bids = await postgres.connect(stack.postgres.server.url("bid_db"), "gavel-chaos")
    stats = await postgres.connect(stack.postgres.server.url("stats_db"), "gavel-chaos")
    try:
        owed, waiting = await _settled(bids, stats, stack)
        made = {row["user_id"]: tuple(row) for row in await bids.fetch(BY_BIDDER)}
        counted = {row["user_id"]: tuple(row) for row in await stats.fetch(TOTALS)}
        facts = {"bids": await bids.fetchval("SELECT count(*) FROM bids"), "events": await _events(bids)}
        wrong = {
            "items whose events have a gap": await bids.fetchval(ITEMS_WITH_A_GAP),
            "bids not above the one before": await bids.fetchval(BIDS_BELOW_THE_LAST),
            "findings in the chain of the log": await _findings(bids),
            "bidders whose totals are not their bids": sum(
                made.get(user_id) != counted.get(user_id) for user_id in made.keys() | counted.keys()
            ),
            "events not counted once": abs(facts["events"] - await _counted(stats)),
            "outbox rows": owed,
        }
    finally:
        await bids.close()
        await stats.close()
    return Books(facts, wrong | {f"messages in {name}": count for name, count in waiting.items()})


async def _findings(bids: asyncpg.Connection) -> int:
    async with aclosing(check_log(bids, FIRST_ID, LAST_ID, {})) as checks:
        return sum([check.wrong async for check in checks])


async def _settled(bids: asyncpg.Connection, stats: asyncpg.Connection, stack: Stack) -> tuple[int, dict[str, int]]:
    """Wait until nothing is owed, all is counted, and the queues are empty; what is left of rows and of messages."""
    deadline = asyncio.get_running_loop().time() + SETTLED_SECONDS_MAX
    while True:
        owed = await bids.fetchval("SELECT count(*) FROM outbox")
        late = asyncio.get_running_loop().time() > deadline
        if late or (not owed and await _counted(stats) >= await _events(bids)):
            waiting = await asyncio.to_thread(_waiting, stack)
            if late or not any(waiting.values()):
                return owed, waiting
        await asyncio.sleep(POLL_SECONDS)


def _waiting(stack: Stack) -> dict[str, int]:
    """The messages of each queue that lasts, those included that a consumer has and has not acknowledged."""
    listed = stack.rabbitmq.control("list_queues", "name", "messages", "--no-table-headers").splitlines()
    counts = {name: int(count) for name, _, count in (line.partition("\t") for line in listed) if count}
    return {name: counts.get(name, 0) for name in (STATS_EVENTS.name, STATS_EVENTS.dead_letters)}


async def _events(bids: asyncpg.Connection) -> int:
    return await bids.fetchval(f"SELECT count(*) FROM {EVENTS} AS events")


async def _counted(stats: asyncpg.Connection) -> int:
    return await stats.fetchval("SELECT count(*) FROM counted_events")
