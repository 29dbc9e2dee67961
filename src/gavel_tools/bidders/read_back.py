"""Checking the server against what it answered: reads all items, bids and totals back."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from protobuf import Message

from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.contracts.userstats.v1 import user_stats_service_pb as userstats
from gavel_tools.bidders.account import Account
from gavel_tools.bidders.calls import GET_ITEM, GET_ITEM_BIDS, GET_USER_STATS, Answer, Caller, Failed, Method, No
from gavel_tools.bidders.checks import (
    Totals,
    item_differences,
    outcome_late_seconds,
    stats_differences,
    totals_by_bidder,
)
from gavel_tools.bidders.http_connection import Address
from gavel_tools.bidders.replay import BidRow
from gavel_tools.bidders.tally import CallTally

READERS = 8
PAGE_SIZE = 100
# Counting is asynchronous, and an auction has its outcome within a second of its end.
SETTLE_SECONDS_MAX = 30.0
POLL_SECONDS = 0.5
# An auction that ends so soon is waited for too.
ENDING_SECONDS_MAX = 5.0

One = TypeVar("One")
Result = TypeVar("Result")


class CannotVerify(Exception):
    """The server could not be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What was compared, and each difference as a sentence.

    `moved` items were bid on by others meanwhile. `ended` have an outcome, which came `outcome_late_seconds_max` after
    the end at the latest.
    """

    items: int
    bids: int
    bidders: int
    differences: list[str]
    moved: int = 0
    ended: int = 0
    outcome_late_seconds_max: float = 0.0


@dataclass(frozen=True, slots=True)
class CheckedItem:
    """An item as it stood at `seq`: what is wrong with it, and what it adds to the totals of those who bid on it.

    `late_seconds` is how long after its end it had its outcome; without one it ends in `ends_in_seconds`.
    """

    seq: int
    status: pb.ItemStatus
    bids: int
    differences: list[str]
    totals: dict[str, Totals]
    ends_in_seconds: float
    late_seconds: float | None


class Verifier:
    """Compares until all agrees, for SETTLE_SECONDS_MAX at most.

    `created` are the items that were made for the run, bid on or not, and `seller_id` is whose they are.
    """

    def __init__(
        self,
        account: Account,
        bidders: Iterable[str],
        bids: "Readers",
        stats: "Readers",
        *,
        created: Collection[str] = (),
        seller_id: str = "",
    ) -> None:
        self._account = account
        self._bidders = frozenset(bidders)
        self._item_ids = {*account.items, *created}
        self._users = self._bidders | {seller_id} if created else self._bidders
        self._bids = bids
        self._stats = stats
        self._checked: dict[str, CheckedItem] = {}

    async def verify(self) -> Verification:
        """Compare everything, and again while something differs: counting takes its time. Raises CannotVerify."""
        loop = asyncio.get_running_loop()
        deadline, waiting_for = loop.time() + SETTLE_SECONDS_MAX, set(self._users)
        while True:
            moved = await self._check_items()
            wrong_items = [each for item in self._checked.values() for each in item.differences]
            expected = self._expected()
            if moved:
                waiting_for = set(self._users)
            wrong_stats = await self._check_stats(waiting_for, expected)
            waiting_for = {user_id for user_id in waiting_for if user_id in wrong_stats}
            late = loop.time() > deadline
            if late or not (wrong_items or wrong_stats or self._ending()):
                break
            await asyncio.sleep(POLL_SECONDS)
        moved = await self._check_items() if wrong_stats else set[str]()
        on_moved = {user_id for item_id in moved for user_id in self._checked[item_id].totals}
        wrong = [each for user_id, all_wrong in wrong_stats.items() if user_id not in on_moved for each in all_wrong]
        bids = sum(item.bids for item in self._checked.values())
        late_seconds = [item.late_seconds for item in self._checked.values() if item.late_seconds is not None]
        return Verification(
            len(self._checked),
            bids,
            len(self._bidders),
            wrong_items + wrong,
            len(moved),
            len(late_seconds),
            round(max(late_seconds, default=0.0), 3),
        )

    def _ending(self) -> bool:
        """Whether an auction is about to end, as those do whose end the last bids of the run have moved."""
        return any(
            item.late_seconds is None and item.ends_in_seconds < ENDING_SECONDS_MAX for item in self._checked.values()
        )

    async def _check_items(self) -> set[str]:
        """Check the items that have changed since they were last checked; which those are."""
        changed = await _at_once(self._check_item, self._item_ids)
        return {item_id for item_id in changed if item_id is not None}

    async def _check_item(self, item_id: str) -> str | None:
        shown = await self._bids.read(GET_ITEM, pb.GetItemRequest(id=item_id))
        item = shown.item
        if item is None:
            raise CannotVerify(f"GetItem shows nothing of item {item_id}")
        before = self._checked.get(item_id)
        if before is not None and (before.seq, before.status) == (item.seq, item.status):
            return None
        rows = await self._rows(item)
        differences = item_differences(item, rows, self._account.items[item_id], self._bidders)
        self._checked[item_id] = CheckedItem(
            item.seq,
            item.status,
            len(rows),
            differences,
            totals_by_bidder(item, rows),
            _ends_in_seconds(shown),
            None if item.outcome is None else outcome_late_seconds(item),
        )
        return item_id

    async def _rows(self, item: pb.Item) -> list[BidRow]:
        """All bids of an item up to the event at which it was read, oldest first."""
        rows, page_token = list[BidRow](), ""
        while True:
            request = pb.GetItemBidsRequest(item_id=item.id, page_size=PAGE_SIZE, page_token=page_token)
            page = await self._bids.read(GET_ITEM_BIDS, request)
            rows += [_row(bid) for bid in page.bids if bid.seq <= item.seq]
            page_token = page.next_page_token
            if not page_token:
                return rows[::-1]

    def _expected(self) -> dict[str, Totals]:
        expected: defaultdict[str, Totals] = defaultdict(Totals)
        for item in self._checked.values():
            for user_id, totals in item.totals.items():
                expected[user_id] = expected[user_id].plus(totals)
        return dict(expected)

    async def _check_stats(self, user_ids: Iterable[str], expected: dict[str, Totals]) -> dict[str, list[str]]:
        async def check(user_id: str) -> tuple[str, list[str]]:
            request = userstats.GetUserStatsRequest(user_id=user_id)
            answer = await self._stats.read_if_any(GET_USER_STATS, request)
            stats = (answer.stats if answer is not None else None) or userstats.UserStats()
            return user_id, stats_differences(user_id, expected.get(user_id, Totals()), stats)

        return {user_id: wrong for user_id, wrong in await _at_once(check, user_ids) if wrong}


class Readers:
    """A few connections that many reads share."""

    def __init__(self, address: Address, url: str, token: str = "") -> None:
        self._url = url
        self._callers = [Caller(address, CallTally(), token) for _ in range(READERS)]
        self._free: asyncio.Queue[Caller] = asyncio.Queue()
        for caller in self._callers:
            self._free.put_nowait(caller)

    async def read(self, method: Method[Answer], request: Message[Any]) -> Answer:
        """Read, and insist. Raises CannotVerify."""
        answer = await self.read_if_any(method, request)
        if answer is None:
            raise CannotVerify(f"{self._url}{method.path} knows nothing of {request}")
        return answer

    async def read_if_any(self, method: Method[Answer], request: Message[Any]) -> Answer | None:
        """Read, and insist; None where the server knows nothing of what is asked for. Raises CannotVerify."""
        caller = await self._free.get()
        try:
            answer, _ = await caller.insist(method, request)
        finally:
            self._free.put_nowait(caller)
        if isinstance(answer, Failed) and answer.code == "not_found":
            return None
        if isinstance(answer, No):
            raise CannotVerify(f"{self._url}{method.path} does not answer: {answer}")
        return answer

    def close(self) -> None:
        """Cut the connections."""
        for caller in self._callers:
            caller.close()


@asynccontextmanager
async def readers(address: Address, url: str, token: str = "") -> AsyncGenerator[Readers]:
    """Readers that are closed on the way out."""
    opened = Readers(address, url, token)
    try:
        yield opened
    finally:
        opened.close()


def _ends_in_seconds(shown: pb.GetItemResponse) -> float:
    """How long an auction still takes that is open; for ever where it is not."""
    item, at = shown.item, shown.server_time
    if item is None or item.end_at is None or at is None or item.status is not pb.ItemStatus.ACTIVE:
        return float("inf")
    return item.end_at.seconds - at.seconds + (item.end_at.nanos - at.nanos) / 1e9


def _row(bid: pb.Bid) -> BidRow:
    at = bid.created_at.seconds + bid.created_at.nanos / 1e9 if bid.created_at is not None else 0.0
    return BidRow(bid.id, bid.seq, bid.user_id, bid.amount, bid.automatic, at)


async def _at_once(work: Callable[[One], Awaitable[Result]], parts: Iterable[One]) -> list[Result]:
    """Do the work on all parts, as many at once as READERS allow; the first failure ends it."""
    return list(await asyncio.gather(*(work(part) for part in parts)))
