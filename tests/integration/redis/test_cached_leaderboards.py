"""Leaderboards from Redis are Postgres' own, whatever Redis has missed."""

import asyncio
import random
from collections.abc import AsyncGenerator
from uuid import uuid4

import pytest

from gavel.bids.adapters.redis.cached_leaderboards import CHANGES_WAITING_MAX
from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.refusals import BidRefused, ItemNotFound
from gavel.bids.ports.book import Change
from tests.auction_house import new_user
from tests.integration.redis.board_house import ALL, BoardHouse, open_board_house

pytestmark = pytest.mark.integration


@pytest.fixture
def prefix() -> str:
    """What the keys of one test begin with."""
    return f"tests-{uuid4()}"


@pytest.fixture
async def boards(shared_bid_db_url: str, redis_url: str, prefix: str) -> AsyncGenerator[BoardHouse]:
    """One process."""
    async with open_board_house(shared_bid_db_url, redis_url, prefix, patient=True) as opened:
        yield opened


@pytest.fixture
async def other(shared_bid_db_url: str, redis_url: str, prefix: str) -> AsyncGenerator[BoardHouse]:
    """Another process beside it."""
    async with open_board_house(shared_bid_db_url, redis_url, prefix, patient=True) as opened:
        yield opened


async def test_a_board_is_read_from_postgres_once_and_then_from_the_cache(boards: BoardHouse) -> None:
    item_id = await boards.house.list_item()
    await boards.house.bid(item_id, 10)
    first = await boards.board(item_id)
    assert boards.committed.reads == 1
    assert [await boards.board(item_id) for _ in range(10)] == [first] * 10
    assert boards.committed.reads == 1
    assert first == await boards.true_board(item_id)


async def test_a_bid_moves_the_board_in_the_cache_after_its_commit(boards: BoardHouse, other: BoardHouse) -> None:
    item_id, user = await boards.house.list_item(), new_user()
    await boards.board(item_id)
    for amount in (10, 30, 50):
        await boards.house.bid(item_id, amount, by=user)
        await boards.house.bid(item_id, amount + 10)
        await boards.until_cached(item_id)
    reads = other.committed.reads
    assert await other.board(item_id) == await boards.true_board(item_id)
    assert other.committed.reads == reads


async def test_a_hundred_reads_of_a_cold_board_are_one_read_of_the_standings(boards: BoardHouse) -> None:
    item_id = await boards.house.list_item()
    for amount in (10, 20, 30):
        await boards.house.bid(item_id, amount)
    shown = await asyncio.gather(*(boards.board(item_id) for _ in range(100)))
    assert boards.committed.reads == 1
    assert shown == [await boards.true_board(item_id)] * 100


async def test_a_bidder_reads_their_own_bid(boards: BoardHouse, other: BoardHouse) -> None:
    item_id = await boards.house.list_item()
    for amount in range(1, 30):
        through, shown_by = (boards, other) if amount % 2 else (other, boards)
        answer = await through.house.bid(item_id, amount, by=(user := new_user()))
        board = await shown_by.board(item_id)
        assert board.seq == answer.auction.seq
        assert (board.entries[0].user_id, board.entries[0].amount) == (user, amount)


async def test_a_limit_cuts_the_board(boards: BoardHouse) -> None:
    item_id = await boards.house.list_item()
    for amount in (10, 20, 30):
        await boards.house.bid(item_id, amount)
    whole = await boards.board(item_id)
    for limit in (1, 2, 3, ALL):
        board = await boards.leaderboards.board(item_id, limit)
        assert board.entries == whole.entries[:limit]
        assert (board.revision, board.seq) == (whole.revision, whole.seq)


async def test_an_item_that_is_not_there_has_no_board(boards: BoardHouse) -> None:
    item_id = ItemId(str(uuid4()))
    with pytest.raises(ItemNotFound):
        await boards.leaderboards.board(item_id, ALL)
    assert await boards.cache.read(item_id, ALL) is None


async def test_a_commit_that_the_cache_missed_is_shown_and_the_board_rebuilt(
    shared_bid_db_url: str, redis_url: str, prefix: str, boards: BoardHouse
) -> None:
    item_id = await boards.house.list_item()
    await boards.house.bid(item_id, 10)
    await boards.board(item_id)
    async with open_board_house(shared_bid_db_url, redis_url, prefix, patient=True, told=False) as dying:
        await dying.house.bid(item_id, 20)
    reads = boards.committed.reads
    assert await boards.board(item_id) == await boards.true_board(item_id)
    assert boards.committed.reads == reads + 1
    await boards.until_cached(item_id)


async def test_more_changes_than_may_wait_are_dropped_and_boards_are_right_all_the_same(boards: BoardHouse) -> None:
    item_id = await boards.house.list_item()
    await boards.board(item_id)
    first = await boards.house.bid(item_id, 1)
    change = Change(first.auction, 0, ())
    boards.writer.committed([change] * (3 * CHANGES_WAITING_MAX))
    assert boards.writer.waiting_count == CHANGES_WAITING_MAX
    await boards.house.bid(item_id, 2)
    assert await boards.board(item_id) == await boards.true_board(item_id)
    await boards.until_shown_from_cache(item_id)


@pytest.mark.race
async def test_no_board_is_older_than_what_was_answered_before_it_was_asked_for(
    boards: BoardHouse, other: BoardHouse
) -> None:
    item_id = await boards.house.list_item()
    users = [new_user() for _ in range(8)]
    answered = 0

    async def bid(through: BoardHouse, user: UserId, dice: random.Random) -> None:
        nonlocal answered
        for _ in range(25):
            least = answered + dice.randint(1, 3)
            try:
                answer = await through.house.bid(item_id, least, by=user, max_amount=least + dice.randint(0, 30))
            except BidRefused as refused:
                answered = max(answered, refused.minimum_next_bid - 1)
            else:
                answered = max(answered, answer.auction.price)

    async def look(through: BoardHouse) -> None:
        for _ in range(60):
            seq_before = await boards.house.pool.fetchval("SELECT seq FROM auctions WHERE item_id = $1", item_id)
            board = await through.board(item_id)
            assert board.seq >= seq_before
            amounts = [entry.amount for entry in board.entries]
            assert amounts == sorted(amounts, reverse=True)
            assert [entry.last_bid_seq for entry in board.entries][:1] in ([], [board.leader_seq])

    async with asyncio.TaskGroup() as tasks:
        for number, user in enumerate(users):
            tasks.create_task(bid((boards, other)[number % 2], user, random.Random(number)))
        for through in (boards, other):
            tasks.create_task(look(through))
    for through in (boards, other):
        assert await through.board(item_id) == await boards.true_board(item_id)
    await boards.until_cached(item_id)
    assert sum(entry.bid_count for entry in (await boards.board(item_id)).entries) == len(
        await boards.house.bids(item_id)
    )
