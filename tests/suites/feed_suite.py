"""What every way of the feed promises. An implementation's test class inherits the suite and gives it a way."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from gavel.bids.domain.auction import ItemId, SoftClose
from gavel.bids.domain.closing import close_due
from gavel.bids.domain.decision import Decision
from gavel.bids.domain.feed_events import FeedEvent, feed_events
from gavel.bids.ports.book import Change
from tests.unit.bids.auctions import ANNA, BELA, END, ITEM, bid, listed, seconds

SOON_SECONDS = 60.0


class Listener:
    """FeedListener that keeps what it hears, of the items that it wants."""

    def __init__(self, *wanted: ItemId) -> None:
        self.heard: list[FeedEvent] = []
        self._wanted = wanted
        self._changed = asyncio.Event()

    def wants(self, item_id: ItemId) -> bool:
        return item_id in self._wanted

    def take(self, events: Sequence[FeedEvent]) -> None:
        self.heard += events
        self._changed.set()

    async def until(self, holds: Callable[[list[FeedEvent]], bool]) -> None:
        """Return when what was heard is so."""
        async with asyncio.timeout(SOON_SECONDS):
            while not holds(self.heard):
                self._changed.clear()
                await self._changed.wait()


class Way(Protocol):
    """A way from those who commit to those who listen."""

    async def listen(self, listener: Listener) -> None:
        """Let this one hear of what is committed from now on."""
        ...

    def commit(self, changes: Sequence[Change]) -> None:
        """Tell of a commit."""
        ...


def change(*decisions: Decision) -> Change:
    """What a commit of these decisions on one item did."""
    events = tuple(event for decision in decisions for event in decision.events)
    return Change(decisions[-1].auction, decisions[0].auction.revision - 1, events)


class FeedSuite:
    """The promises of the feed's ways."""

    async def test_each_event_arrives_as_it_is_with_the_state_after_it(self, way: Way) -> None:
        listener = Listener(ITEM)
        await way.listen(listener)
        soft = SoftClose(window_seconds=60, extension_seconds=60)
        auction = listed(soft_close=soft, reserve_price=7_000)
        first = bid(auction, ANNA, 1_000, 5_000, at=END - seconds(5))
        second = bid(first.auction, BELA, 2_000, at=END - seconds(4.000_001))
        closed = close_due(second.auction, second.auction.end_at)
        changes = [change(first, second), change(closed)]
        way.commit(changes)
        expected = [event for each in changes for event in feed_events(each.events, each.auction)]
        await listener.until(lambda heard: len(heard) >= len(expected))
        assert listener.heard == expected
        assert {event.kind.name for event in expected} == {"BID_PLACED", "EXTENDED", "CLOSED"}

    async def test_everyone_who_listens_hears_of_it(self, way: Way) -> None:
        listeners = [Listener(ITEM), Listener(ITEM)]
        for listener in listeners:
            await way.listen(listener)
        way.commit([change(bid(listed(), ANNA, 1_000))])
        for listener in listeners:
            await listener.until(lambda heard: [event.seq for event in heard] == [2])

    async def test_unwatched_events_are_delivered_to_no_listener(self, way: Way) -> None:
        listener, stranger = Listener(ITEM), Listener()
        await way.listen(stranger)
        await way.listen(listener)
        way.commit([change(bid(listed(), ANNA, 1_000))])
        await listener.until(bool)
        assert stranger.heard == []

    async def test_many_commits_arrive_in_order(self, way: Way) -> None:
        listener = Listener(ITEM)
        await way.listen(listener)
        auction = listed()
        for number in range(600):
            decision = bid(auction, (ANNA, BELA)[number % 2], 1_000 + 100 * number)
            auction = decision.auction
            way.commit([change(decision)])
        await listener.until(lambda heard: len(heard) == 600)
        assert [event.seq for event in listener.heard] == list(range(2, 602))

    async def test_a_commit_without_an_event_is_no_news(self, way: Way) -> None:
        listener = Listener(ITEM)
        await way.listen(listener)
        led = bid(listed(), ANNA, 1_000)
        raised = bid(led.auction, ANNA, 1_000, 9_000)
        assert raised.events == ()
        way.commit([change(raised), change(bid(raised.auction, BELA, 2_000))])
        await listener.until(lambda heard: len(heard) >= 2)
        assert [event.seq for event in listener.heard] == [3, 4]
