"""The feed inside a process keeps the promises of the feed."""

from collections.abc import Sequence

import pytest

from gavel.bids.adapters.memory.feed import InProcessFeed
from gavel.bids.ports.book import Change
from tests.suites.feed_suite import FeedSuite, Listener, change
from tests.unit.bids.auctions import ANNA, ITEM, bid, listed


class InProcessWay:
    """Way inside one process: one feed for each listener, as the book calls them."""

    def __init__(self) -> None:
        self._feeds: list[InProcessFeed] = []

    async def listen(self, listener: Listener) -> None:
        self._feeds.append(InProcessFeed(listener))

    def commit(self, changes: Sequence[Change]) -> None:
        for feed in self._feeds:
            feed.committed(changes)


class TestInProcessFeed(FeedSuite):
    """The suite without a broker."""

    @pytest.fixture
    def way(self) -> InProcessWay:
        return InProcessWay()


async def test_listeners_are_called_before_the_commit_is_answered() -> None:
    listener = Listener(ITEM)
    InProcessFeed(listener).committed([change(bid(listed(), ANNA, 1_000))])
    assert [event.seq for event in listener.heard] == [2]
