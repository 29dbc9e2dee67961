"""Everyone goes at one moment, around the end of an auction: one close, one winner, and no bid after the end."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

import pytest

from gavel.bids.domain.auction import Auction, ItemId, SoftClose, UserId
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.changing import cancel_item, update_item
from gavel.bids.domain.decision import Answer, Decide, Decision
from gavel.bids.domain.refusals import BidRefusal, BidRefused, ChangeRefusal, ChangeRefused
from gavel.bids.domain.texts import ListingChanges
from gavel.bids.worker import running_closer
from tests.auction_house import SELLER, House, new_user, open_house, unchanged, until

pytestmark = [pytest.mark.integration, pytest.mark.race]

AUCTIONS = 120
ROUNDS = 4
PAIRS_A_ROUND = 60
NO_SOFT_CLOSE = SoftClose(window_seconds=0)
SHORT_SOFT_CLOSE = SoftClose(window_seconds=60, extension_seconds=1, max_extension_seconds=2)


@asynccontextmanager
async def _two_processes(house: House) -> AsyncGenerator[tuple[House, House]]:
    """Two books on one database, as two API processes have them, and two closers beside them."""
    async with (
        open_house(house.url) as second,
        running_closer(house.url, house.pool),
        running_closer(second.url, second.pool),
    ):
        yield house, second


class Told(NamedTuple):
    """A bid that was answered as accepted."""

    seq: int
    user_id: str
    amount: int


async def _bid_until_the_end(house: House, item_id: ItemId, amounts: Iterator[int], told: list[Told]) -> None:
    """Always have a bid on its way, each somebody else's, until the auction has ended."""
    while True:
        try:
            answer = await house.bid(item_id, next(amounts))
        except BidRefused as refusal:
            if refusal.reason is BidRefusal.ENDED:
                return
            if refusal.reason is not BidRefusal.TOO_LOW:
                raise
        else:
            assert answer.bid is not None
            told.append(Told(answer.bid.seq, answer.bid.user_id, answer.bid.amount))


async def _log(house: House, item_id: ItemId) -> list[dict[str, Any]]:
    """Every event of an item, in order of seq."""
    rows = await house.pool.fetch(
        "SELECT seq, 'bid' AS kind, created_at, user_id::text, amount, end_at, false AS sold FROM bids"
        " WHERE item_id = $1 UNION ALL SELECT seq, kind, created_at, leader_id::text, price, end_at, sold"
        " FROM item_events WHERE item_id = $1 ORDER BY seq",
        item_id,
    )
    return [dict(row) for row in rows]


@pytest.mark.parametrize("rule", [NO_SOFT_CLOSE, SHORT_SOFT_CLOSE], ids=["no soft close", "soft close"])
async def test_bids_against_the_close_leave_one_close_that_names_the_highest_bid_before_the_end(
    new_house: House, rule: SoftClose
) -> None:
    async with _two_processes(new_house) as houses:
        item_ids = await asyncio.gather(
            *(new_house.list_item(ends_in=timedelta(seconds=4), soft_close=rule) for _ in range(AUCTIONS))
        )
        told: dict[ItemId, list[Told]] = {item_id: [] for item_id in item_ids}
        async with asyncio.TaskGroup() as bidders:
            for item_id in item_ids:
                amounts = count(1)
                for house in houses:
                    bidders.create_task(_bid_until_the_end(house, item_id, amounts, told[item_id]))

        async def all_closed() -> bool:
            return await new_house.pool.fetchval("SELECT bool_and(closed_at IS NOT NULL) FROM auctions")

        await until(all_closed)
    for item_id in item_ids:
        log = await _log(new_house, item_id)
        assert [row["seq"] for row in log] == list(range(1, len(log) + 1))
        bids = [row for row in log if row["kind"] == "bid"]
        assert [Told(row["seq"], row["user_id"], row["amount"]) for row in bids] == sorted(told[item_id])
        # The close is the last event and the only one, and names the last and highest bid.
        [close] = [row for row in log if row["kind"] == "closed"]
        assert close == log[-1]
        assert close["sold"] == bool(bids)
        assert all(row["created_at"] < row["end_at"] <= close["created_at"] for row in bids)
        if bids:
            highest = max(bids, key=lambda row: row["amount"])
            assert (close["user_id"], close["amount"]) == (highest["user_id"], highest["amount"])
            assert highest == bids[-1]
            scheduled_end_at = (await new_house.state(item_id))["scheduled_end_at"]
            extends = rule is SHORT_SOFT_CLOSE and any(
                row["created_at"] + timedelta(seconds=rule.extension_seconds) > scheduled_end_at for row in bids
            )
            assert (close["end_at"] > scheduled_end_at) == extends
    assert sum(map(len, told.values())) > AUCTIONS
    closes = await new_house.pool.fetchval("SELECT sum(event_count) FROM outbox WHERE routing_key = 'auction.closed'")
    assert closes == AUCTIONS


def _buys(user_id: UserId) -> Decide:
    return lambda auction, at: buy_now(auction, at, user_id)


def _cancels(auction: Auction, at: datetime) -> Decision:
    return cancel_item(auction, at, SELLER)


def _renames(auction: Auction, at: datetime) -> Decision:
    return update_item(auction, at, SELLER, ListingChanges(title="New"))


@pytest.mark.parametrize("command", ["buy-now", "cancel", "update"])
async def test_a_bid_that_waits_for_the_lock_past_the_end_is_refused(house: House, command: str) -> None:
    item_id = await house.list_item(ends_in=timedelta(seconds=1), buy_now_price=900)
    decide = {"buy-now": _buys(new_user()), "cancel": _cancels, "update": _renames}[command]

    async def ended() -> bool:
        return await house.pool.fetchval("SELECT end_at <= clock_timestamp() FROM auctions WHERE item_id = $1", item_id)

    async with house.lock_held(item_id) as release:
        waiting = asyncio.create_task(house.decide(item_id, decide))
        await house.until_lane_waits()
        await until(ended)
        await release()
    [refused] = await asyncio.gather(waiting, return_exceptions=True)
    assert isinstance(refused, BidRefused | ChangeRefused)
    assert refused.reason in (BidRefusal.ENDED, ChangeRefusal.ENDED)
    assert (await house.state(item_id))["seq"] == 1


async def _pairs(
    house: House, first: Callable[[House, ItemId], Coroutine[Any, Any, Answer]], buy_now_price: int = 0
) -> AsyncGenerator[tuple[ItemId, object, object]]:
    """A command against a bid on each of many items, from two processes: what either was answered, and who was first.

    Each process gets some of both, in any order, so that either may come first to the lock; both have, in the end.
    """
    dice, was_first = random.Random(7), set[bool]()
    async with open_house(house.url) as second:
        for _ in range(ROUNDS):
            items = await asyncio.gather(
                *(house.list_item(title="Old", buy_now_price=buy_now_price) for _ in range(PAIRS_A_ROUND))
            )
            calls: list[tuple[ItemId, bool, Coroutine[Any, Any, Answer]]] = []
            for item_id in items:
                one, other = dice.sample((house, second), 2)
                calls += [(item_id, True, first(one, item_id)), (item_id, False, other.bid(item_id, 100))]
            dice.shuffle(calls)
            answers = await asyncio.gather(*(call for _, _, call in calls), return_exceptions=True)
            by_call = {
                (item_id, is_first): answer for (item_id, is_first, _), answer in zip(calls, answers, strict=True)
            }
            for item_id in items:
                was_first.add(isinstance(by_call[item_id, True], Answer))
                yield item_id, by_call[item_id, True], by_call[item_id, False]
    assert was_first == {True, False}


async def test_bids_against_a_cancel_leave_no_bid_on_a_cancelled_item(house: House) -> None:
    async def cancel(house: House, item_id: ItemId) -> Answer:
        return await house.decide(item_id, _cancels)

    async for item_id, cancelled, bid in _pairs(house, cancel):
        kinds = [row["kind"] for row in await _log(house, item_id)]
        if isinstance(cancelled, Answer):
            assert isinstance(bid, BidRefused)
            assert (bid.reason, kinds) == (BidRefusal.CANCELLED, ["listed", "cancelled"])
        else:
            assert isinstance(bid, Answer)
            assert isinstance(cancelled, ChangeRefused)
            assert (cancelled.reason, kinds) == (ChangeRefusal.HAS_BIDS, ["listed", "bid"])


async def test_bids_against_an_update_leave_no_new_title_over_a_bid_on_the_old_one(house: House) -> None:
    async def rename(house: House, item_id: ItemId) -> Answer:
        return await house.decide(item_id, _renames)

    async for item_id, renamed, bid in _pairs(house, rename):
        assert isinstance(bid, Answer)
        title = await house.pool.fetchval("SELECT title FROM listings WHERE item_id = $1", item_id)
        if isinstance(renamed, Answer):
            # Not the other way round: the bid was decided on the new title.
            assert (title, renamed.auction.bid_count, renamed.auction.revision) == ("New", 0, 2)
            assert bid.auction.revision == 3
        else:
            assert isinstance(renamed, ChangeRefused)
            assert (title, renamed.reason, bid.auction.revision) == ("Old", ChangeRefusal.HAS_BIDS, 2)


async def test_bids_against_a_buy_now_leave_either_a_bid_or_a_buyer(house: House) -> None:
    async def buy(house: House, item_id: ItemId) -> Answer:
        return await house.decide(item_id, _buys(new_user()))

    async for item_id, bought, bid in _pairs(house, buy, buy_now_price=900):
        log = await _log(house, item_id)
        if isinstance(bought, Answer):
            assert isinstance(bid, BidRefused)
            assert (bid.reason, [row["kind"] for row in log]) == (BidRefusal.ENDED, ["listed", "bid", "closed"])
            assert (log[1]["user_id"], log[1]["amount"]) == (log[2]["user_id"], 900)
        else:
            assert isinstance(bid, Answer)
            assert isinstance(bought, BidRefused)
            assert (bought.reason, [row["kind"] for row in log]) == (BidRefusal.BUY_NOW_UNAVAILABLE, ["listed", "bid"])


async def _until_lanes_wait(house: House, lanes: int) -> None:
    """Return when so many lanes stand before a row lock."""

    async def wait() -> bool:
        waiting = await house.pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return waiting == lanes

    await until(wait)


@pytest.mark.parametrize("bid_first", [True, False])
@pytest.mark.parametrize("command", ["buy-now", "cancel", "update"])
async def test_between_two_processes_the_first_at_the_lock_is_decided_first(
    house: House, command: str, bid_first: bool
) -> None:
    item_id = await house.list_item(buy_now_price=900)
    decide = {"buy-now": _buys(new_user()), "cancel": _cancels, "update": _renames}[command]
    async with open_house(house.url) as second:
        await second.decide(item_id, unchanged)
        async with house.lock_held(item_id) as release:
            calls: list[Callable[[], Coroutine[Any, Any, Answer]]] = [
                lambda: house.bid(item_id, 100),
                lambda: second.decide(item_id, decide),
            ]
            ordered = calls if bid_first else calls[::-1]
            earlier = asyncio.create_task(ordered[0]())
            await _until_lanes_wait(house, 1)
            later = asyncio.create_task(ordered[1]())
            await _until_lanes_wait(house, 2)
            await release()
        first, then = await asyncio.gather(earlier, later, return_exceptions=True)
    assert isinstance(first, Answer)
    assert first.auction.revision <= 3
    if command == "update" and not bid_first:
        assert isinstance(then, Answer)
        assert then.auction.revision == 3
    else:
        assert isinstance(then, BidRefused | ChangeRefused)


async def test_of_many_who_buy_at_one_moment_one_is_the_winner(new_house: House) -> None:
    async with _two_processes(new_house) as houses:
        for _ in range(20):
            item_id = await new_house.list_item(buy_now_price=900)
            buyers = [new_user() for _ in range(30)]
            results = await asyncio.gather(
                *(houses[number % 2].decide(item_id, _buys(buyer)) for number, buyer in enumerate(buyers)),
                return_exceptions=True,
            )
            [winner] = [buyers[number] for number, result in enumerate(results) if isinstance(result, Answer)]
            refused = [result.reason for result in results if isinstance(result, BidRefused)]
            assert refused == [BidRefusal.ENDED] * 29
            log = await _log(new_house, item_id)
            assert [(row["kind"], row["user_id"], row["amount"]) for row in log[1:]] == [
                ("bid", winner, 900),
                ("closed", winner, 900),
            ]
