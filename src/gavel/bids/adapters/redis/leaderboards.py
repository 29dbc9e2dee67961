"""Leaderboard cache in Redis. One script changes a board and compares revisions; `lua/board.lua` has the layout."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.exceptions import NoScriptError

from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.leaderboards import BOARD_BIDDERS_MAX, Leaderboard, LeaderboardEntry, new_standings, ranked
from gavel.bids.ports.book import Change
from gavel.bids.ports.leaderboards import CacheAway
from gavel.runtime.redis.connection import RedisAway, RedisLink, RedisRefused, load_lua

KEEP_SECONDS = 600
# One call applies many changes, and no caller waits for it: it may take as long as this many answers.
APPLY_ANSWERS_MAX = 10

_READ = load_lua(__package__, "board", "read_board")
_STORE = load_lua(__package__, "board", "store_board")
_APPLY = load_lua(__package__, "board", "apply_change")

# Most items with bids have no viewers of their board, so an absent board is not tried with every change: on many quiet
# items that would be a call for each bid.
ABSENT_SECONDS = 5.0
ABSENT_BOARDS_MAX = 10_000

T = TypeVar("T")


class RedisLeaderboards:
    """LeaderboardCache on Redis, shared by all processes that use the same `prefix`.

    A board that was found absent is skipped for ABSENT_SECONDS, unless this process stores it. A board that another
    process stores meanwhile misses the changes of that time, and is deleted at the next change.
    """

    def __init__(self, link: RedisLink, prefix: str = "gavel") -> None:
        self._link = link
        self._prefix = prefix
        self._absent_until: OrderedDict[ItemId, float] = OrderedDict()
        self._stores = 0

    async def read(self, item_id: ItemId, limit: int) -> Leaderboard | None:
        """See LeaderboardCache.read."""
        # One more, since two bidders may share an amount, and the sorted set does not order them correctly.
        reply = await self._asked(lambda redis: redis.register_script(_READ)(self._keys(item_id), [limit + 1]))
        if not reply:
            return None
        try:
            return _board(reply, limit)
        except ValueError:
            # Not in this adapter's format.
            await self._asked(lambda redis: redis.delete(*self._keys(item_id)))
            return None

    async def store(self, item_id: ItemId, board: Leaderboard, *, whole: bool) -> None:
        """See LeaderboardCache.store."""
        kept = board.entries[:BOARD_BIDDERS_MAX]
        whole = whole and len(kept) == len(board.entries)
        arguments: list[object] = [board.revision, board.seq, board.leader_seq, int(whole), KEEP_SECONDS]
        for entry in kept:
            arguments += (entry.user_id, entry.amount, f"{entry.amount} {entry.last_bid_seq} {entry.bid_count}")
        self._stores += 1
        try:
            await self._asked(lambda redis: redis.register_script(_STORE)(self._keys(item_id), arguments))
        finally:
            self._stores += 1
            self._absent_until.pop(item_id, None)

    async def apply(self, changes: Sequence[Change]) -> None:
        """See LeaderboardCache.apply."""

        now_seconds = asyncio.get_running_loop().time()
        wanted = [each for each in changes if self._absent_until.get(each.auction.item_id, 0) <= now_seconds]
        if not wanted:
            return
        stores = self._stores

        async def work(redis: Any) -> list[object]:
            replies = await self._apply_all(redis, wanted)
            if any(isinstance(reply, NoScriptError) for reply in replies):
                await redis.script_load(_APPLY)
                replies = await self._apply_all(redis, wanted)
            return replies

        replies = await self._asked(work, APPLY_ANSWERS_MAX)
        if stores == self._stores:
            # Otherwise one of these boards may have been stored in the meantime.
            absent = [each.auction.item_id for each, reply in zip(wanted, replies, strict=True) if reply == 0]
            self._note_absent(absent, now_seconds + ABSENT_SECONDS)

    async def _apply_all(self, redis: Any, changes: Sequence[Change]) -> list[object]:
        """Run the script for each change; a reply may be an error.

        By its digest: a registered script would ask with each pipeline whether Redis still has it.
        """
        digest: str = redis.register_script(_APPLY).sha
        async with redis.pipeline(transaction=False) as pipeline:
            for change in changes:
                keys = self._keys(change.auction.item_id)
                pipeline.evalsha(digest, len(keys), *keys, *_arguments(change))
            # An error affects one board alone: that board stays as it is, and its revision shows that it is old.
            return await pipeline.execute(raise_on_error=False)

    def _note_absent(self, item_ids: Sequence[ItemId], until_seconds: float) -> None:
        for item_id in item_ids:
            self._absent_until[item_id] = until_seconds
            self._absent_until.move_to_end(item_id)
        while len(self._absent_until) > ABSENT_BOARDS_MAX:
            self._absent_until.popitem(last=False)

    def _keys(self, item_id: ItemId) -> list[str]:
        # The braces are a hash tag: a cluster keeps both keys in one slot.
        name = f"{self._prefix}:{{{item_id}}}"
        return [f"{name}:board", f"{name}:order"]

    async def _asked(self, work: Callable[[Any], Awaitable[T]], times: int = 1) -> T:
        try:
            return await self._link.run(work, times)
        except (RedisAway, RedisRefused) as error:
            raise CacheAway(str(error)) from error


def _arguments(change: Change) -> list[object]:
    """The parameters of apply_change.lua."""
    auction = change.auction
    state = [change.revision_before, auction.revision, auction.seq, auction.last_bid_seq]
    arguments: list[object] = [*state, BOARD_BIDDERS_MAX, KEEP_SECONDS]
    for user_id, standing in new_standings(change.events).items():
        arguments += (user_id, standing.amount, standing.last_bid_seq, standing.bids)
    return arguments


def _board(reply: Sequence[str], limit: int) -> Leaderboard:
    """Parse the reply of read_board.lua. Raises ValueError."""
    revision, seq, leader_seq = (int(number or "") for number in reply[:3])
    entries = [_entry(user_id, packed) for user_id, packed in zip(reply[3::2], reply[4::2], strict=True)]
    return Leaderboard(revision, seq, leader_seq, tuple(ranked(entries, leader_seq)[:limit]))


def _entry(user_id: str, packed: str | None) -> LeaderboardEntry:
    amount, last_bid_seq, bid_count = (packed or "").split(" ")
    return LeaderboardEntry(UserId(user_id), int(amount), int(last_bid_seq), int(bid_count))
