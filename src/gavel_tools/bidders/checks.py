"""The server's books against what it answered: pure comparisons, each difference one sentence."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gavel.contracts.bids.v1 import bid_service_pb as pb
from gavel.contracts.userstats.v1.user_stats_service_pb import UserStats
from gavel_tools.bidders.account import ItemAccount, Placed
from gavel_tools.bidders.replay import BidRow, replay_differences

# ItemListed is event 1, so the first bid is event 2.
FIRST_BID_SEQ = 2
# An outcome is due within a second of the end; a machine that runs the crowd beside the server may be slower.
OUTCOME_LATE_SECONDS_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Totals:
    """What the statistics must say of a bidder or a seller. Minor units."""

    total_bids: int = 0
    total_amount: int = 0
    highest_bid: int = 0
    items_bid_on: int = 0
    items_won: int = 0
    amount_won: int = 0
    items_sold: int = 0
    amount_sold: int = 0

    def plus(self, other: "Totals") -> "Totals":
        """Both, as one bidder's, on different items."""
        return Totals(
            self.total_bids + other.total_bids,
            self.total_amount + other.total_amount,
            max(self.highest_bid, other.highest_bid),
            self.items_bid_on + other.items_bid_on,
            self.items_won + other.items_won,
            self.amount_won + other.amount_won,
            self.items_sold + other.items_sold,
            self.amount_sold + other.amount_sold,
        )


def item_differences(
    item: pb.Item, rows: Sequence[BidRow], account: ItemAccount, bidders: Collection[str]
) -> list[str]:
    """What is wrong with an item and its bids, oldest first and none above `item.seq`; `bidders` are ours."""
    found = [
        *_order(item, rows),
        *_state(item, rows),
        *_acknowledged(rows, account),
        *_unasked(rows, account, bidders),
        *replay_differences(item, rows, account, bidders),
        *_outcome(item, rows),
    ]
    return [f"item {item.id}: {each}" for each in found]


def totals_by_bidder(item: pb.Item, rows: Iterable[BidRow]) -> dict[str, Totals]:
    """What an item adds to the statistics of those who bid on it, and of its seller."""
    totals: defaultdict[str, Totals] = defaultdict(lambda: Totals(items_bid_on=1))
    for row in rows:
        one = Totals(total_bids=1, total_amount=row.amount, highest_bid=row.amount)
        totals[row.user_id] = totals[row.user_id].plus(one)
    if item.outcome is not None and item.outcome.sold:
        won = Totals(items_won=1, amount_won=item.outcome.amount)
        totals[item.outcome.winner_id] = totals[item.outcome.winner_id].plus(won)
        return dict(totals) | {item.seller_id: Totals(items_sold=1, amount_sold=item.outcome.amount)}
    return dict(totals)


def outcome_late_seconds(item: pb.Item) -> float:
    """How long after its end an auction was closed; 0 where it was not."""
    if item.outcome is None or item.outcome.closed_at is None or item.end_at is None:
        return 0.0
    closed_at, end_at = item.outcome.closed_at, item.end_at
    return closed_at.seconds - end_at.seconds + (closed_at.nanos - end_at.nanos) / 1e9


def stats_differences(user_id: str, expected: Totals, stats: UserStats) -> list[str]:
    """Where a user's statistics are not what the bids on all items add up to."""
    pairs = [
        ("total_bids", expected.total_bids, stats.total_bids),
        ("total_amount", expected.total_amount, stats.total_amount),
        ("highest_bid", expected.highest_bid, stats.highest_bid),
        ("items_bid_on", expected.items_bid_on, stats.items_bid_on),
        ("items_won", expected.items_won, stats.items_won),
        ("amount_won", expected.amount_won, stats.amount_won),
        ("items_sold", expected.items_sold, stats.items_sold),
        ("amount_sold", expected.amount_sold, stats.amount_sold),
    ]
    return [
        f"bidder {user_id}: {name} is {counted}, the bids make {made}"
        for name, made, counted in pairs
        if made != counted
    ]


def _order(item: pb.Item, rows: Sequence[BidRow]) -> Iterator[str]:
    """Seqs rise without a gap, but for an extension after a bid; amounts rise with them."""
    if rows and rows[0].seq != FIRST_BID_SEQ:
        yield f"the first bid has seq {rows[0].seq}, not {FIRST_BID_SEQ}"
    extends_from = _extends_from(item)
    for before, row in pairwise(rows):
        missing, extensions_max = row.seq - before.seq - 1, 1 if before.at >= extends_from else 0
        if missing < 0:
            yield f"seq {row.seq} comes after seq {before.seq}"
        elif missing > extensions_max:
            yield f"{missing} events are missing between seq {before.seq} and seq {row.seq}"
        if row.amount < before.amount or (row.amount == before.amount and not row.automatic):
            yield f"seq {row.seq} is of {row.amount}, after {before.amount} at seq {before.seq}"


def _extends_from(item: pb.Item) -> float:
    """The earliest moment at which a bid may have extended the auction, in seconds since 1970; never: infinite."""
    rule, end_at = item.soft_close, item.end_at
    if rule is None or end_at is None or not rule.window_seconds:
        return float("inf")
    return end_at.seconds - rule.max_extension_seconds - rule.window_seconds


def _state(item: pb.Item, rows: Sequence[BidRow]) -> Iterator[str]:
    """Check that the item's state follows from its bids."""
    last = rows[-1] if rows else BidRow("", FIRST_BID_SEQ - 1, "", 0, automatic=False, at=0)
    for name, shown, made in (
        ("bid_count", item.bid_count, len(rows)),
        ("current_highest_bid", item.current_highest_bid, last.amount),
        ("highest_bidder_id", item.highest_bidder_id, last.user_id),
    ):
        if shown != made:
            yield f"{name} is {shown!r}, the bids make {made!r}"
    # After the last bid come an extension, and the close or the cancellation.
    if not 0 <= item.seq - last.seq <= 2:
        yield f"its seq is {item.seq}, its last bid's is {last.seq}"


def _acknowledged(rows: Sequence[BidRow], account: ItemAccount) -> Iterator[str]:
    """Every bid that was answered as accepted is there exactly once, as it was answered."""
    times = Counter(row.bid_id for row in rows)
    by_id = {row.bid_id: row for row in rows}
    for bid_id, bid in account.accepted.items():
        row = by_id.get(bid_id)
        if row is None:
            yield f"bid {bid_id} of {bid.amount} by {bid.user_id} was accepted and is missing"
        elif (row.user_id, row.seq, row.amount) != bid:
            yield f"bid {bid_id} was answered as {bid}, and is {row}"
    yield from (f"bid {bid_id} is there {count} times" for bid_id, count in times.items() if count > 1)
    if len(account.purchases) > 1:
        yield f"{len(account.purchases)} buyers got the answer that they bought it"
    for purchase in account.purchases:
        if not rows or Placed(rows[-1].user_id, rows[-1].amount) != purchase:
            yield f"{purchase.user_id} bought it for {purchase.amount}, and the last bid is another"


def _unasked(rows: Sequence[BidRow], account: ItemAccount, bidders: Collection[str]) -> Iterator[str]:
    """Check unreported bids of ours: each must be one whose answer was lost, and placed only once by retries."""
    explained = account.doubtful + Counter(account.purchases)
    for row in rows:
        if row.automatic or row.user_id not in bidders or row.bid_id in account.accepted:
            continue
        placed = Placed(row.user_id, row.amount)
        if not explained[placed]:
            yield f"bid {row.bid_id} of {row.amount} by {row.user_id} is stored, and no bidder asked for it"
        explained[placed] -= 1


def _outcome(item: pb.Item, rows: Sequence[BidRow]) -> Iterator[str]:
    """Check an ended auction's outcome: the last bid's bidder has won, unless a reserve was not met."""
    outcome = item.outcome
    if item.status is not pb.ItemStatus.ENDED:
        if outcome is not None:
            yield "it has an outcome, and has not ended"
        return
    if outcome is None:
        yield "it has ended, and has no outcome"
        return
    sold = bool(rows) and item.reserve_state is not pb.ReserveState.NOT_MET
    made = (sold, rows[-1].user_id if sold else "", rows[-1].amount if sold else 0)
    if (outcome.sold, outcome.winner_id, outcome.amount) != made:
        yield f"its outcome is {(outcome.sold, outcome.winner_id, outcome.amount)}, the bids make {made}"
    if not 0 <= (late_seconds := outcome_late_seconds(item)) <= OUTCOME_LATE_SECONDS_MAX:
        yield f"it was closed {late_seconds:.3f} s after its end"
