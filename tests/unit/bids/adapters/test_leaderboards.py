"""The cache in this process's memory keeps the promises of a cache of leaderboards, and forgets the oldest boards."""

import pytest

from gavel.bids.adapters.memory import leaderboards as in_process_leaderboards
from gavel.bids.adapters.memory.leaderboards import InProcessLeaderboards
from tests.suites.leaderboard_cache_suite import ALL, Bidding, LeaderboardCacheSuite


class TestInProcessLeaderboards(LeaderboardCacheSuite):
    """The suite in memory."""

    @pytest.fixture
    def cache(self) -> InProcessLeaderboards:
        return InProcessLeaderboards()


async def test_the_board_that_was_not_read_for_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_process_leaderboards, "BOARDS_MAX", 2)
    cache = InProcessLeaderboards()
    first, second, third = (Bidding() for _ in range(3))
    await cache.store(first.item_id, first.board(), whole=True)
    await cache.store(second.item_id, second.board(), whole=True)
    await cache.read(first.item_id, ALL)
    await cache.store(third.item_id, third.board(), whole=True)
    assert await cache.read(first.item_id, ALL) == first.board()
    assert await cache.read(second.item_id, ALL) is None
    assert await cache.read(third.item_id, ALL) == third.board()
