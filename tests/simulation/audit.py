"""The books, checked in the plainest way: what was answered, what each auction came to, and everyone's totals."""

from collections import defaultdict
from contextlib import aclosing
from typing import Any

import asyncpg

from gavel.bids.adapters.postgres.audit.audit_log import FIRST_ID, LAST_ID, check_log
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.increments import BidIncrement, increment_at
from tests.auction_house import SELLER
from tests.simulation.town import Story

# A user's totals: bids, their sum, the highest, items bid on, items won and their sum, items sold and their sum.
Totals = tuple[int, int, int, int, int, int, int, int]


async def check_answers(bid_pool: asyncpg.Pool, story: Story) -> None:
    """What was answered as accepted is there, as it was answered, and was done once for each key."""
    for (item_id, seq), bid in story.accepted.items():
        row = await bid_pool.fetchrow("SELECT * FROM bids WHERE item_id = $1 AND seq = $2", item_id, seq)
        assert row is not None
        assert (str(row["user_id"]), row["amount"], row["created_at"]) == (bid.user_id, bid.amount, bid.at)
    for item_id, buyer in story.bought.items():
        sold_to = await bid_pool.fetchval("SELECT leader_id FROM item_events WHERE item_id = $1 AND sold", item_id)
        assert str(sold_to) == buyer
    # Every bid that somebody placed themselves was asked for once: it has one key, and its key no other bid.
    by_hand = await bid_pool.fetchval("SELECT count(*) FROM bids WHERE NOT automatic")
    named = await bid_pool.fetchval(
        "SELECT count(DISTINCT (item_id, seq)) FROM bids b WHERE NOT automatic AND EXISTS"
        " (SELECT FROM bid_keys k WHERE (k.item_id, k.user_id, k.bid_seq) = (b.item_id, b.user_id, b.seq))"
    )
    assert named == by_hand


async def check_auction(bid_pool: asyncpg.Pool, item_id: ItemId) -> None:
    """One end, the last and highest bid wins, no event is missing, and the winner was prepared to pay the most."""
    bids = await bid_pool.fetch("SELECT * FROM bids WHERE item_id = $1 ORDER BY seq", item_id)
    events = await bid_pool.fetch("SELECT * FROM item_events WHERE item_id = $1 ORDER BY seq", item_id)
    auction: Any = await bid_pool.fetchrow("SELECT * FROM auctions WHERE item_id = $1", item_id)
    assert sorted(row["seq"] for row in (*bids, *events)) == list(range(1, auction["seq"] + 1))
    [end] = [row for row in events if row["kind"] in ("closed", "cancelled")]
    assert end["seq"] == auction["seq"]
    sold = bool(bids) and bids[-1]["amount"] >= auction["reserve_price"]
    assert end["sold"] == sold
    if not bids:
        return
    assert (end["leader_id"], end["price"]) == (bids[-1]["user_id"], bids[-1]["amount"])
    standings = await bid_pool.fetch("SELECT * FROM standings WHERE item_id = $1 ORDER BY maximum DESC", item_id)
    maxima = {row["user_id"]: row["maximum"] for row in standings}
    assert maxima[end["leader_id"]] == standings[0]["maximum"] >= end["price"]
    others = [maximum for user_id, maximum in maxima.items() if user_id != end["leader_id"]]
    beaten = max(others, default=0)
    increment = BidIncrement(auction["increment_fixed"], auction["increment_basis_points"])
    asked = [row["amount"] for row in bids if row["user_id"] == end["leader_id"] and not row["automatic"]]
    one_more = beaten + increment_at(beaten, increment, auction["currency"]) if beaten else 0
    lowest, highest = auction["start_price"], max(auction["start_price"], auction["reserve_price"], *asked, one_more)
    assert max(beaten, lowest) <= end["price"] <= highest
    bought = not bids[-1]["automatic"] and bids[-1]["amount"] == auction["buy_now_price"]
    if beaten == maxima[end["leader_id"]] and not bought:
        raises = await bid_pool.fetch("SELECT * FROM maximum_raises WHERE item_id = $1", item_id)
        # A raise comes after the event that it names as the newest.
        arrivals = [(row["seq"], False, row) for row in bids] + [(row["seq"], True, row) for row in raises]
        reached = [(seq, raised, row["user_id"]) for seq, raised, row in arrivals if row["maximum"] == beaten]
        assert min(reached)[2] == end["leader_id"]


async def check_chain(bid_pool: asyncpg.Pool) -> None:
    """Each item's log is one chain, and the auction's row follows from it."""
    async with bid_pool.acquire() as connection, aclosing(check_log(connection, FIRST_ID, LAST_ID, {})) as checks:  # type: ignore[arg-type]
        findings = {check.item_id: check.findings async for check in checks}
    assert len(findings) == await bid_pool.fetchval("SELECT count(*) FROM auctions")
    assert {item_id: found for item_id, found in findings.items() if found} == {}


async def expected_totals(bid_pool: asyncpg.Pool) -> dict[str, Totals]:
    """Everyone's totals, added up from the log."""
    totals: defaultdict[str, list[int]] = defaultdict(lambda: [0] * 8)
    items: defaultdict[str, set[str]] = defaultdict(set)
    for row in await bid_pool.fetch("SELECT * FROM bids"):
        mine = totals[str(row["user_id"])]
        mine[0] += 1
        mine[1] += row["amount"]
        mine[2] = max(mine[2], row["amount"])
        items[str(row["user_id"])].add(str(row["item_id"]))
    for row in await bid_pool.fetch("SELECT * FROM item_events WHERE sold"):
        winner, seller = totals[str(row["leader_id"])], totals[SELLER]
        winner[4], winner[5] = winner[4] + 1, winner[5] + row["price"]
        seller[6], seller[7] = seller[6] + 1, seller[7] + row["price"]
    for user_id, bid_on in items.items():
        totals[user_id][3] = len(bid_on)
    return {user_id: tuple[int, int, int, int, int, int, int, int](mine) for user_id, mine in totals.items()}


async def counted_totals(stats_pool: asyncpg.Pool) -> dict[str, Totals]:
    """Everyone's totals, as the read side counted them."""
    rows = await stats_pool.fetch(
        "SELECT user_id::text, total_bids, total_amount, highest_bid, items_bid_on, items_won, amount_won, items_sold,"
        " amount_sold FROM user_stats"
    )
    return {row["user_id"]: tuple(row)[1:] for row in rows}
