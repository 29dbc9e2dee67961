"""The table `standings`: a row for each item and bidder, written with the bids, read by leaderboards and lists."""

import asyncio
import random
from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

import asyncpg
import pytest

from gavel.bids.adapters.postgres.reading.item_catalogue import PostgresItemCatalogue
from gavel.bids.adapters.postgres.reading.leaderboards import PostgresLeaderboards
from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.bidding import new_bid, place_bid
from gavel.bids.domain.buy_now import buy_now
from gavel.bids.domain.decision import Answer
from gavel.bids.domain.refusals import ItemNotFound
from gavel.bids.ports.catalogue import ItemPosition
from tests.auction_house import House, new_user, soon, unchanged, until

pytestmark = pytest.mark.integration

ANNA, BELA, CARLA = new_user(), new_user(), new_user()


class Stands(NamedTuple):
    """One row of `standings`."""

    amount: int
    maximum: int
    bid_count: int
    last_bid_seq: int
    last_bid_at: datetime


async def _stored(house: House, item_id: ItemId) -> dict[str, Stands]:
    rows = await house.pool.fetch("SELECT * FROM standings WHERE item_id = $1", item_id)
    return {str(row["user_id"]): Stands(*(row[name] for name in Stands._fields)) for row in rows}


async def _from_the_log(house: House, item_id: ItemId) -> dict[str, Stands]:
    """The same, told by the log alone: the bids, and the raises of a leader's maximum."""
    made: dict[str, Stands] = {}
    for row in await house.pool.fetch("SELECT * FROM bids WHERE item_id = $1 ORDER BY seq", item_id):
        user_id = str(row["user_id"])
        count = made[user_id].bid_count + 1 if user_id in made else 1
        made[user_id] = Stands(row["amount"], row["maximum"], count, row["seq"], row["created_at"])
    for row in await house.pool.fetch("SELECT * FROM maximum_raises WHERE item_id = $1", item_id):
        user_id = str(row["user_id"])
        made[user_id] = made[user_id]._replace(maximum=max(made[user_id].maximum, row["maximum"]))
    return made


def _shown(stands: Mapping[str, Stands]) -> dict[str, tuple[int, int, int]]:
    return {user_id: (each.amount, each.maximum, each.bid_count) for user_id, each in stands.items()}


async def test_a_bidders_standing_is_the_highest_amount_the_maximum_and_the_count(house: House) -> None:
    item_id = await house.list_item(increment=100)
    await house.bid(item_id, 1_000, by=ANNA, max_amount=5_000)
    await house.bid(item_id, 2_000, by=BELA)
    await house.bid(item_id, 2_200, by=BELA, max_amount=6_000)
    assert _shown(await _stored(house, item_id)) == {ANNA: (5_000, 5_000, 3), BELA: (5_100, 6_000, 3)}
    assert await _stored(house, item_id) == await _from_the_log(house, item_id)


async def test_a_raised_maximum_changes_the_standings_maximum_and_nothing_else(house: House) -> None:
    item_id = await house.list_item(increment=100)
    await house.bid(item_id, 1_000, by=ANNA, max_amount=5_000)
    before = (await _stored(house, item_id))[ANNA]
    await house.bid(item_id, 1_000, by=ANNA, max_amount=9_000)
    assert (await _stored(house, item_id))[ANNA] == before._replace(maximum=9_000)


async def test_a_refused_bid_leaves_no_standing(house: House) -> None:
    item_id = await house.list_item(start_price=1_000)
    await asyncio.gather(house.bid(item_id, 999, by=ANNA, key="k"), return_exceptions=True)
    assert await _stored(house, item_id) == {}


async def test_buy_now_is_a_bid_like_any_other(house: House) -> None:
    item_id = await house.list_item(buy_now_price=700)
    await house.decide(item_id, lambda auction, at: buy_now(auction, at, ANNA))
    assert _shown(await _stored(house, item_id)) == {ANNA: (700, 700, 1)}


async def test_one_batch_with_several_bids_and_raises_of_one_bidder_leaves_one_row(house: House) -> None:
    item_id = await house.list_item(increment=10)
    async with house.lock_held(item_id) as release:
        ahead = asyncio.create_task(house.decide(item_id, unchanged))
        await house.until_lane_waits()
        batch = [
            asyncio.create_task(house.bid(item_id, amount, by=user_id, max_amount=maximum))
            for user_id, amount, maximum in (
                (ANNA, 100, 0),
                (ANNA, 100, 200),
                (BELA, 150, 0),
                (ANNA, 100, 300),
                (BELA, 250, 600),
                (BELA, 250, 700),
            )
        ]
        await asyncio.sleep(0)
        await release()
    await ahead
    assert all(isinstance(result, Answer) for result in await asyncio.gather(*batch, return_exceptions=True))
    assert _shown(await _stored(house, item_id)) == {ANNA: (300, 300, 3), BELA: (310, 700, 3)}
    assert await _stored(house, item_id) == await _from_the_log(house, item_id)


@pytest.mark.parametrize("seed", range(5))
async def test_after_any_bidding_war_the_standings_agree_with_the_log(house: House, seed: int) -> None:
    dice = random.Random(seed)
    item_id = await house.list_item(increment=10, reserve_price=dice.choice((0, 3_000)), start_price=100)
    bidders = [new_user() for _ in range(6)]

    async def bid_on(user_id: UserId) -> None:
        for _ in range(15):
            amount = dice.randrange(100, 6_000)
            maximum = dice.choice((0, amount + dice.randrange(2_000)))
            await asyncio.gather(house.bid(item_id, amount, by=user_id, max_amount=maximum), return_exceptions=True)

    await asyncio.gather(*(bid_on(user_id) for user_id in bidders))
    stored = await _stored(house, item_id)
    assert len(stored) > 1
    assert stored == await _from_the_log(house, item_id)


async def test_a_bid_moves_no_index_entry_of_standings_and_auctions(new_house: House) -> None:
    item_id = await new_house.list_item()
    await new_house.bid(item_id, 1, by=ANNA)
    for amount in range(2, 202):
        await new_house.bid(item_id, amount, by=BELA if amount % 2 else ANNA)

    async def counted() -> bool:
        rows = await new_house.pool.fetch(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname IN ('standings', 'auctions')"
        )
        updates = [(row["n_tup_upd"], row["n_tup_hot_upd"]) for row in rows]
        assert all(updated == in_place for updated, in_place in updates)
        return sorted(updated for updated, _ in updates) == [199, 201]

    await until(counted, seconds=60)


BROKEN = {
    "the amount falls": "amount = amount - 1",
    "the maximum falls": "maximum = maximum - 1",
    "the maximum is below the amount": "maximum = amount - 1",
    "a bid is counted that raises nothing": "bid_count = bid_count + 1",
    "the amount rises without a later bid": "amount = amount + 1, bid_count = bid_count + 1",
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_standing_that_falls_is_refused_by_the_database(house: House, broken: str) -> None:
    item_id = await house.list_item()
    await house.bid(item_id, 100, by=ANNA, max_amount=200)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await house.pool.execute(f"UPDATE standings SET {BROKEN[broken]} WHERE item_id = $1", item_id)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await house.pool.execute("DELETE FROM standings WHERE item_id = $1", item_id)


async def test_a_board_is_highest_first_and_on_a_tie_the_leader_first_then_the_earlier_bid(house: House) -> None:
    item_id = await house.list_item(increment=100, start_price=1_000)
    boards = PostgresLeaderboards(house.pool)
    await house.bid(item_id, 1_000, by=BELA, max_amount=6_000)
    await house.bid(item_id, 5_200, by=CARLA, max_amount=6_000)
    tied = await boards.board(item_id, 10)
    # Carla's 6,000 has the lower seq; Bela, whose maximum was the earlier, leads.
    assert [(entry.user_id, entry.amount) for entry in tied.entries] == [(BELA, 6_000), (CARLA, 6_000)]
    assert tied.entries[0].last_bid_seq == tied.leader_seq > tied.entries[1].last_bid_seq
    assert (tied.seq, tied.revision) == (5, 5)

    await house.bid(item_id, 7_000, by=ANNA)
    passed = await boards.board(item_id, 10)
    assert [entry.user_id for entry in passed.entries] == [ANNA, CARLA, BELA]
    shortened = await boards.board(item_id, 2)
    assert shortened.entries == passed.entries[:2]


async def test_a_board_without_bids_is_empty_and_one_of_no_item_is_not_found(house: House) -> None:
    boards = PostgresLeaderboards(house.pool)
    board = await boards.board(await house.list_item(), 10)
    assert (board.seq, board.entries) == (1, ())
    with pytest.raises(ItemNotFound):
        await boards.board(ItemId(new_user()), 10)


async def test_a_board_and_its_seq_are_of_one_moment(house: House) -> None:
    item_id, boards = await house.list_item(), PostgresLeaderboards(house.pool)
    enough = asyncio.Event()

    async def keep_bidding() -> None:
        """Batches of bids, each from somebody new, until enough was seen."""
        for first in count(1, 50):
            await asyncio.gather(*(house.bid(item_id, first + number, by=new_user()) for number in range(50)))
            if enough.is_set():
                return

    bidding, seen = asyncio.create_task(keep_bidding()), set[int]()
    while len(seen) < 10:
        if bidding.done():
            await bidding
        board = await boards.board(item_id, 100_000)
        assert sum(entry.bid_count for entry in board.entries) == board.seq - 1
        seen.add(board.seq)
    enough.set()
    await bidding


async def test_ones_own_items_come_newest_bid_first_and_page_by_page(house: House) -> None:
    catalogue, me = PostgresItemCatalogue(house.pool), new_user()
    items = [await house.list_item(title=f"Lot {number}") for number in range(5)]
    for item_id in items:
        await house.bid(item_id, 100, by=me)
    await house.bid(items[1], 900)
    await house.bid(items[1], 1_000, by=me, max_amount=2_000)
    seen: list[ItemId] = []
    position: ItemPosition | None = None
    while True:
        page, _ = await catalogue.items_of_bidder(me, position, 2)
        if not page:
            break
        seen += [each.item.auction.item_id for each in page]
        position = ItemPosition(page[-1].last_bid_at, page[-1].item.auction.item_id)
    assert seen == [items[1], items[4], items[3], items[2], items[0]]
    [mine, *_], _ = await catalogue.items_of_bidder(me, None, 1)
    assert (mine.amount, mine.maximum, mine.item.listing.title) == (1_000, 2_000, "Lot 1")
    assert "2000" not in repr(mine)


async def test_two_bids_at_one_moment_are_listed_once_each_across_pages(house: House) -> None:
    """Bids of one batch share their time: the position goes on from the item, not from the time alone."""
    catalogue, me = PostgresItemCatalogue(house.pool), new_user()
    items = [await house.list_item() for _ in range(6)]
    # Submitted in one turn of the event loop, so in one batch.
    await asyncio.gather(*(_bid_once(house, item_id, me) for item_id in items))
    whole, _ = await catalogue.items_of_bidder(me, None, 10)
    assert len({each.last_bid_at for each in whole}) == 1
    paged: list[Any] = []
    position = None
    for _ in items:
        [each], _ = await catalogue.items_of_bidder(me, position, 1)
        paged.append(each)
        position = ItemPosition(each.last_bid_at, each.item.auction.item_id)
    assert paged == whole


async def _bid_once(house: House, item_id: ItemId, user_id: UserId) -> Answer:
    bid = new_bid(user_id, 100, 0)
    return await house.book.update(item_id, lambda auction, at: place_bid(auction, at, bid), call=soon())
