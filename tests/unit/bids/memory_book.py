"""The auction book and the item catalogue in memory, for tests that need no database."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from gavel.bids.domain.auction import Auction, ItemId, Status, UserId
from gavel.bids.domain.decision import Answer, Decide, Decision, RetryKey
from gavel.bids.domain.events import BidPlaced, Event
from gavel.bids.domain.refusals import ItemNotFound, KeyReused
from gavel.bids.domain.texts import Listing
from gavel.bids.ports.book import Answered, Call, Change, CommitListener, DeadlineExceeded, Submitted, answer_of
from gavel.bids.ports.catalogue import BidderItem, ItemPosition, ItemView

T = TypeVar("T")


class _Decided:
    """Submitted that was decided when it was submitted, so that it can't be withdrawn."""

    def withdraw(self) -> bool:
        """See Submitted.withdraw."""
        return False


class MemorySeen(NamedTuple):
    """See Seen."""

    auction: Auction

    def now(self) -> datetime:
        """See Seen.now."""
        return datetime.now(UTC)


class MemoryAuctionBook:
    """AuctionBook in memory. A decision is made and stored in one turn of the event loop, so it needs no lock.

    `updates` counts the commands that it got.
    """

    def __init__(self, listeners: Sequence[CommitListener] = ()) -> None:
        self.auctions: dict[ItemId, Auction] = {}
        self.listings: dict[ItemId, tuple[Listing, datetime, datetime]] = {}
        self.events: list[Event] = []
        self.updates = 0
        self._listeners = listeners
        self._keys: dict[tuple[ItemId, UserId, str], tuple[str, int]] = {}
        self._opened: dict[tuple[UserId, str], tuple[str, ItemId]] = {}

    def submit(
        self, item_id: ItemId, decide: Decide, answered: Answered, *, call: Call, key: RetryKey | None = None
    ) -> Submitted:
        """See AuctionBook.submit."""
        self.updates += 1
        try:
            outcome = self._decide(item_id, decide, call, key)
        except Exception as error:  # noqa: BLE001 - handed to the caller
            outcome = error
        asyncio.get_running_loop().call_soon(answered, outcome)
        return _Decided()

    async def update(self, item_id: ItemId, decide: Decide, *, call: Call, key: RetryKey | None = None) -> Answer:
        """See AuctionBook.update."""
        return await answer_of(lambda answered: self.submit(item_id, decide, answered, call=call, key=key))

    def _decide(self, item_id: ItemId, decide: Decide, call: Call, key: RetryKey | None) -> Answer:
        _check_deadline(call)
        before, at = self.auctions.get(item_id), datetime.now(UTC)
        if before is None:
            raise ItemNotFound(item_id)
        if key is not None and (first := self._keys.get((item_id, key.user_id, key.key))) is not None:
            if first[0] != key.request:
                raise KeyReused
            return Answer(before, at, self._bid(item_id, first[1]), replayed=True)
        decision = decide(before, at)
        if decision.auction is not before:
            if key is not None:
                self._keys[item_id, key.user_id, key.key] = key.request, decision.bid_seq
            if decision.changes is not None:
                listing, created_at, _ = self.listings[item_id]
                texts = {name: getattr(decision.changes, name) for name in decision.changes.fields}
                self.listings[item_id] = replace(listing, **texts), created_at, at
            self._store(decision, before.revision, texts_changed=decision.changes is not None)
        return Answer(decision.auction, at, self._bid(item_id, decision.bid_seq))

    async def open(
        self, open_at: Callable[[datetime], Decision], listing: Listing, *, call: Call, key: RetryKey | None = None
    ) -> Answer:
        """See AuctionBook.open."""
        _check_deadline(call)
        if key is not None and (opened := self._opened.get((key.user_id, key.key))) is not None:
            if opened[0] != key.request:
                raise KeyReused
            return Answer(self.auctions[opened[1]], datetime.now(UTC), bid=None, replayed=True)
        decision = open_at(datetime.now(UTC))
        if key is not None:
            self._opened[key.user_id, key.key] = key.request, decision.auction.item_id
        self.listings[decision.auction.item_id] = listing, decision.at, decision.at
        self._store(decision, 0, texts_changed=True)
        return Answer(decision.auction, decision.at, bid=None)

    def last_seen(self, item_id: ItemId) -> "MemorySeen | None":
        """See AuctionBook.last_seen."""
        auction = self.auctions.get(item_id)
        return None if auction is None else MemorySeen(auction)

    def _store(self, decision: Decision, revision_before: int, *, texts_changed: bool) -> None:
        self.auctions[decision.auction.item_id] = decision.auction
        self.events += decision.events
        for listener in self._listeners:
            with suppress(Exception):
                listener.committed([Change(decision.auction, revision_before, decision.events, texts_changed)])

    def _bid(self, item_id: ItemId, seq: int) -> BidPlaced | None:
        bids = [event for event in self.events if isinstance(event, BidPlaced)]
        return next((bid for bid in bids if (bid.item_id, bid.seq) == (item_id, seq)), None)


def _check_deadline(call: Call) -> None:
    if call.deadline_seconds <= asyncio.get_running_loop().time():
        raise DeadlineExceeded


class MemoryItemCatalogue:
    """ItemCatalogue of a MemoryAuctionBook."""

    def __init__(self, book: MemoryAuctionBook) -> None:
        self._book = book

    async def item(self, item_id: ItemId) -> tuple[ItemView, datetime]:
        """See ItemCatalogue.item."""
        if item_id not in self._book.auctions:
            raise ItemNotFound(item_id)
        return self._view(item_id), datetime.now(UTC)

    async def items(
        self, status: Status, category: str, after: ItemPosition | None, limit: int
    ) -> tuple[list[ItemView], datetime]:
        """See ItemCatalogue.items."""
        at = datetime.now(UTC)
        views = [view for view in self._views() if view.auction.status_at(at) is status]
        views = [view for view in views if category in ("", view.listing.category)]
        if status is Status.SCHEDULED:
            placed = [(ItemPosition(view.auction.terms.start_at, view.auction.item_id), view) for view in views]
        else:
            placed = [(ItemPosition(view.auction.end_at, view.auction.item_id), view) for view in views]
        newest_first = status in (Status.ENDED, Status.CANCELLED)
        return _page(placed, after, limit, newest_first=newest_first), at

    async def items_of_seller(
        self, seller_id: UserId, after: ItemPosition | None, limit: int
    ) -> tuple[list[ItemView], datetime]:
        """See ItemCatalogue.items_of_seller."""
        views = [view for view in self._views() if view.auction.terms.seller_id == seller_id]
        placed = [(ItemPosition(view.created_at, view.auction.item_id), view) for view in views]
        return _page(placed, after, limit, newest_first=True), datetime.now(UTC)

    async def items_of_bidder(
        self, user_id: UserId, after: ItemPosition | None, limit: int
    ) -> tuple[list[BidderItem], datetime]:
        """See ItemCatalogue.items_of_bidder. A maximum that was raised without a bid is not known here."""
        own = {bid.item_id: bid for bid in self._bids() if bid.user_id == user_id}
        placed = [
            (
                ItemPosition(bid.at, item_id),
                BidderItem(_entry(self._view(item_id)), bid.amount, bid.maximum, bid.at),
            )
            for item_id, bid in own.items()
        ]
        return _page(placed, after, limit, newest_first=True), datetime.now(UTC)

    async def bids(self, item_id: ItemId, before_seq: int | None, limit: int) -> list[BidPlaced]:
        """See ItemCatalogue.bids."""
        if item_id not in self._book.auctions:
            raise ItemNotFound(item_id)
        bids = [bid for bid in self._bids() if bid.item_id == item_id]
        return [bid for bid in reversed(bids) if before_seq is None or bid.seq < before_seq][:limit]

    def _view(self, item_id: ItemId) -> ItemView:
        return ItemView(self._book.auctions[item_id], *self._book.listings[item_id])

    def _views(self) -> list[ItemView]:
        return [_entry(self._view(item_id)) for item_id in self._book.auctions]

    def _bids(self) -> list[BidPlaced]:
        return [event for event in self._book.events if isinstance(event, BidPlaced)]


def _entry(view: ItemView) -> ItemView:
    """An item as lists show it."""
    return replace(view, listing=replace(view.listing, description="", images=view.listing.images[:1]))


def _page(
    placed: Iterable[tuple[ItemPosition, T]], after: ItemPosition | None, limit: int, *, newest_first: bool
) -> list[T]:
    in_order = sorted(placed, key=_place, reverse=newest_first)
    if after is not None:
        beyond = (after.time, after.item_id)
        in_order = [each for each in in_order if (_place(each) < beyond if newest_first else _place(each) > beyond)]
    return [each for _, each in in_order[:limit]]


def _place(placed: tuple[ItemPosition, object]) -> tuple[datetime, ItemId]:
    return placed[0].time, placed[0].item_id
