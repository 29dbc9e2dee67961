"""Leaderboards from a cache whose revisions Postgres confirms, and the writer that updates the cache."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

import structlog

from gavel.bids.adapters.postgres.reading.leaderboards import PostgresLeaderboards
from gavel.bids.adapters.redis.metrics import CacheMetrics
from gavel.bids.domain.auction import ItemId
from gavel.bids.domain.leaderboards import BOARD_BIDDERS_MAX, Leaderboard
from gavel.bids.ports.book import Change
from gavel.bids.ports.leaderboards import LEADERBOARD_ENTRIES_MAX, CacheAway, LeaderboardCache
from gavel.runtime.process.loops import Loop
from gavel.runtime.redis.single_flight import SingleFlight

CHANGES_WAITING_MAX = 4_096
# Changes in one pipeline: few enough that building it does not delay this process's bids.
CHANGES_AT_ONCE_MAX = 64
IDLE_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class CachedLeaderboards:
    """Cached leaderboards, so that Postgres need not read and sort them each time.

    A cached board is served only if its revision is the committed one, which costs a read of one row. So bidders see
    their own bids, whatever the cache has missed. On a miss the board is read from Postgres and stored. Concurrent
    calls for one item share one answer.
    """

    def __init__(self, committed: PostgresLeaderboards, cache: LeaderboardCache) -> None:
        self._committed = committed
        self._cache = cache
        self.reads = CacheMetrics("leaderboards")
        self._single_flight: SingleFlight[ItemId, Leaderboard] = SingleFlight(self._load)

    async def board(self, item_id: ItemId, limit: int) -> Leaderboard:
        """See Leaderboards.board."""
        board = await self._single_flight.join(item_id)
        if len(board.entries) <= limit:
            return board
        return Leaderboard(board.revision, board.seq, board.leader_seq, board.entries[:limit])

    async def _load(self, item_id: ItemId) -> Leaderboard:
        try:
            cached = await self._cache.read(item_id, LEADERBOARD_ENTRIES_MAX)
        except CacheAway:
            self.reads.away += 1
            return await self._committed.board(item_id, LEADERBOARD_ENTRIES_MAX)
        if cached is not None and cached.revision == await self._committed.revision(item_id):
            self.reads.hits += 1
            return cached
        self.reads.misses += 1
        return await self._rebuild(item_id)

    async def _rebuild(self, item_id: ItemId) -> Leaderboard:
        board = await self._committed.board(item_id, BOARD_BIDDERS_MAX + 1)
        with suppress(CacheAway):
            await self._cache.store(item_id, board, whole=len(board.entries) <= BOARD_BIDDERS_MAX)
        return board


class LeaderboardWriter:
    """CommitListener that applies committed changes to the cached boards, without delaying bids.

    The queue is bounded. Changes dropped because it is full, or because the cache is away, leave a gap in the revisions
    of their boards, which are then read from Postgres again.
    """

    def __init__(self, cache: LeaderboardCache) -> None:
        self._cache = cache
        self._waiting: deque[Change] = deque(maxlen=CHANGES_WAITING_MAX)
        self._wake = asyncio.Event()

    @property
    def waiting_count(self) -> int:
        """How many changes wait to be written."""
        return len(self._waiting)

    def committed(self, changes: Sequence[Change]) -> None:
        """See CommitListener.committed."""
        self._waiting.extend(changes)
        self._wake.set()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Write changes to the cache inside the context."""
        async with Loop("leaderboards", self._write, IDLE_SECONDS, (CacheAway,), self._wake).running():
            yield

    async def _write(self) -> bool:
        """Write one pipeline of changes in the order of their commits; return whether there were any."""
        count = min(len(self._waiting), CHANGES_AT_ONCE_MAX)
        if not count:
            return False
        changes = [self._waiting.popleft() for _ in range(count)]
        try:
            await self._cache.apply(changes)
        except CacheAway:
            # The rest would not apply after this gap in the revisions.
            _log.info("leaderboard_changes_dropped", changes=count + len(self._waiting))
            self._waiting.clear()
            raise
        return True
