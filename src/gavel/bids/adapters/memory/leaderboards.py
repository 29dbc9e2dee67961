"""In-memory leaderboard cache, for use without Redis."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gavel.bids.domain.auction import ItemId, UserId
from gavel.bids.domain.leaderboards import BOARD_BIDDERS_MAX, Leaderboard, LeaderboardEntry, new_standings, ranked
from gavel.bids.ports.book import Change

BOARDS_MAX = 1_000


@dataclass(slots=True)
class _Kept:
    board: Leaderboard
    bidders: dict[UserId, LeaderboardEntry]
    whole: bool


class InProcessLeaderboards:
    """LeaderboardCache in memory: BOARDS_MAX boards, least recently used evicted first. Never raises CacheAway."""

    def __init__(self) -> None:
        self._boards: OrderedDict[ItemId, _Kept] = OrderedDict()

    async def read(self, item_id: ItemId, limit: int) -> Leaderboard | None:
        """See LeaderboardCache.read."""
        kept = self._boards.get(item_id)
        if kept is None:
            return None
        self._boards.move_to_end(item_id)
        entries = ranked(kept.bidders.values(), kept.board.leader_seq)[:limit]
        return replace(kept.board, entries=tuple(entries))

    async def store(self, item_id: ItemId, board: Leaderboard, *, whole: bool) -> None:
        """See LeaderboardCache.store."""
        kept = self._boards.get(item_id)
        if kept is not None and kept.board.revision >= board.revision:
            return
        bidders = {entry.user_id: entry for entry in board.entries[:BOARD_BIDDERS_MAX]}
        whole = whole and len(bidders) == len(board.entries)
        self._boards[item_id] = _Kept(replace(board, entries=()), bidders, whole)
        self._boards.move_to_end(item_id)
        if len(self._boards) > BOARDS_MAX:
            self._boards.popitem(last=False)

    async def apply(self, changes: Sequence[Change]) -> None:
        """See LeaderboardCache.apply."""
        for change in changes:
            kept = self._boards.get(change.auction.item_id)
            if kept is None or kept.board.revision >= change.auction.revision:
                continue
            if kept.board.revision != change.revision_before or not _bring_on(kept, change):
                del self._boards[change.auction.item_id]


def _bring_on(kept: _Kept, change: Change) -> bool:
    """Apply the change to the board; return False if the board lacks a bidder's earlier bids."""
    for user_id, standing in new_standings(change.events).items():
        stood = kept.bidders.get(user_id)
        if stood is None and not kept.whole:
            return False
        bid_count = standing.bids + (stood.bid_count if stood else 0)
        kept.bidders[user_id] = LeaderboardEntry(user_id, standing.amount, standing.last_bid_seq, bid_count)
    auction = change.auction
    if len(kept.bidders) > BOARD_BIDDERS_MAX:
        left = ranked(kept.bidders.values(), auction.last_bid_seq)[:BOARD_BIDDERS_MAX]
        kept.bidders = {entry.user_id: entry for entry in left}
        kept.whole = False
    kept.board = Leaderboard(auction.revision, auction.seq, auction.last_bid_seq, ())
    return True
